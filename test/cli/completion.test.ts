import { describe, expect, it } from 'vitest';
import { bash, batchx, file, itNeeds } from './program.js';
import { Terminal } from './terminal.js';

/** What bash offers at the end of a line, by the functions that it calls itself when the tab key is pressed. */
function offered(line: string): string[] {
  const script = `
    source <(batchx completion bash)
    COMP_LINE=$1
    COMP_POINT=\${#COMP_LINE}
    # As readline cuts a line: at blanks, and at = too.
    IFS=$'\\n' read -rd '' -a COMP_WORDS < <(printf '%s' "$1" | sed 's/=/\\n=\\n/g; s/ /\\n/g')
    if [[ $1 == *[' '] ]]; then COMP_WORDS+=(''); fi
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    eval "$(complete -p batchx | sed 's/.*-F \\([^ ]*\\) .*/\\1/') batchx"
    printf '%s\\n' "\${COMPREPLY[@]}"
  `;
  const { stdout, stderr, ended } = bash(`set -- '${line}'\n${script}`);
  expect({ stderr, ended }).toEqual({ stderr: '', ended: 0 });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('in bash', () => {
  itNeeds('bash', 'completes commands', () => {
    expect(offered('batchx ')).toEqual([
      'run',
      'check',
      'plan',
      'exec',
      'http',
      'map',
      'filter',
      'runs',
      'report',
      'retry',
      'sample',
      'defer',
      'repair',
      'clean',
      'init',
      'steps',
      'schema',
      'completion',
    ]);
    expect(offered('batchx http P')).toEqual(['POST', 'PUT', 'PATCH']);
    expect(offered('batchx init ')).toEqual(['files', 'commands', 'api', 'csv']);
    expect(offered('batchx http --as ')).toEqual(['auto', 'json', 'text', 'none', 'response']);
    expect(offered('batchx f')).toEqual(['filter']);
  });

  itNeeds('bash', 'completes flags, the values of those that have a choice, and names', () => {
    expect(offered('batchx map --')).toContain('--concurrency');
    expect(offered('batchx map data --l')).toEqual(['--limit']);
    expect(offered('batchx map --no')).toEqual(['--no-keep-order', '--no-progress']);
    expect(offered('batchx map --in ')).toEqual(['jsonl', 'json', 'csv', 'lines']);
    expect(offered('batchx map --in j')).toEqual(['jsonl', 'json']);
    expect(offered('batchx map --in=j')).toEqual(['jsonl', 'json']);
    expect(offered('batchx map --in=')).toEqual(['jsonl', 'json', 'csv', 'lines']);
    expect(offered('batchx completion ')).toEqual(['bash', 'zsh']);
    expect(offered('batchx exec --jobl')).toEqual(['--joblog']);
    expect(offered('batchx exec --on-exists ')).toEqual(['fail', 'skip', 'overwrite']);
    expect(offered('batchx exec ls :::: x --jo')).toEqual([]);
    expect(offered('batchx steps cs')).toEqual(['csv']);
  });

  itNeeds('bash', 'leaves file names to the shell', () => {
    for (const line of ['batchx map data ', 'batchx map --failed ', 'batchx map -- -', 'batchx map data ::: -']) {
      expect([line, offered(line)]).toEqual([line, []]);
    }
    expect(bash('source <(batchx completion bash); complete -p batchx').stdout).toContain('-o default');
  });

  itNeeds('bash tmux', 'completes what is typed', async () => {
    file('orders.jsonl', '1\n');
    const terminal = new Terminal('bash --norc --noprofile -i');
    terminal.type("PS1='> '; source <(batchx completion bash); clear\n");
    await terminal.until(/^> *$/m);
    terminal.type('batchx fil\t--in=l\tdata.id ord\t');
    await terminal.until(/^> batchx filter --in=lines data.id orders.jsonl *$/m);
  });
});

describe('in zsh', () => {
  itNeeds('zsh', 'the script is one', () => {
    expect(bash('zsh -fc "source <(batchx completion zsh); whence -w _batchx"').stdout).toBe('_batchx: function\n');
  });

  it('asks for whole words, with descriptions', () => {
    const { stdout } = batchx(['--complete', 'map', '--in=j']);
    expect(stdout).toBe('--in=jsonl\t\n--in=json\t\n');
    expect(batchx(['--complete', 'm']).stdout).toBe('map\trows in, rows out: what an expression makes of each\n');
  });
});

it('knows nothing of commands that do not exist', () => {
  expect(batchx(['--complete', 'mop', '--'])).toEqual({ stdout: '', stderr: '', ended: 0 });
});
