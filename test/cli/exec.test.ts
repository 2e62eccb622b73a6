import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Running } from './program.js';
import { bash, batchx, env, file, folder, itNeeds, onLinux, program, start } from './program.js';
import { Terminal } from './terminal.js';

const exec = (args: readonly string[], stdin = '') => batchx(['exec', ...args], stdin);
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

// Those that wait for a file give up when this folder is gone, so that none is left of a test that failed.
for (const name of ['flood.sh', 'stubborn.sh'])
  copyFileSync(new URL(`../fixtures/exec/${name}`, import.meta.url), join(folder, name));

/** The processes whose environment has a variable `MARK` of this value. */
function marked(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const runs = !/\) [ZX] /.test(stat);
      return (
        /^\d+$/.test(pid) && runs && `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0MARK=${mark}\0`)
      );
    } catch {
      return false;
    }
  });
}

const HOSTILE = [
  'two words',
  `it's "quoted"`,
  'line\nbreak\n',
  '$(touch pwned) `touch pwned` ; touch pwned # {} {.} {{ x }}',
  '-rf',
  '--',
  ':::',
  '*',
  '~',
  '\\',
  '\t \u001b[31m',
  'é 日本 😀',
  'x'.repeat(100_000),
];

describe('arguments arrive byte for byte', () => {
  /** What `printf` was given, one after another. */
  const given = (script: string, stdin: Uint8Array = Buffer.alloc(0)): Buffer[] => {
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, env, input: stdin, maxBuffer: 1e8 });
    expect(stderr.toString()).toBe('');
    expect(readdirSync(folder)).not.toContain('pwned');
    const parts = stdout.toString('latin1').split('\0').slice(0, -1);
    return parts.map((part) => Buffer.from(part, 'latin1'));
  };
  const LATIN = Buffer.from('caf\xe9', 'latin1');
  const values = [...HOSTILE.map((value) => Buffer.from(value)), LATIN];
  const nul = Buffer.concat(values.flatMap((value) => [value, Buffer.from([0])]));
  const inLines = values.filter((value) => !value.includes(10));

  it('from behind :::', () => {
    const some = ['', ...HOSTILE.filter((value) => value !== ':::')];
    const { stdout } = exec(['-k', 'printf', '%s\\0', ':::', ...some]);
    expect(stdout.split('\0').slice(0, -1)).toEqual(some);
    expect(given(`batchx exec -k printf '%s\\0' {} '<{}>' ::: a $'caf\\xe9'`)).toEqual(
      ['a', '<a>', 'caf\xe9', '<caf\xe9>'].map((text) => Buffer.from(text, 'latin1')),
    );
  });

  it('from files, in lines and with NUL, and from standard input', () => {
    file('lines', Buffer.concat(inLines.flatMap((value) => [value, Buffer.from('\n')])));
    file('nuls', nul);
    expect(given(`batchx exec -k -a lines printf '%s\\0'`)).toEqual(inLines);
    expect(given(`batchx exec -k -0 -a nuls printf '%s\\0'`)).toEqual(values);
    expect(given(`batchx exec -k printf '%s\\0' :::: lines`)).toEqual(inLines);
    expect(given(`batchx exec -k0 printf '%s\\0' {}`, nul)).toEqual(values);
  });

  it('through a shell', () => {
    expect(given(`batchx exec -k0 --shell "printf '%s\\\\0' {} \\"{}\\"" `, nul)).toEqual(
      values.flatMap((value) => [value, value]),
    );
  });

  onLinux('as names of files that a glob has found', () => {
    mkdirSync(join(folder, 'names'));
    const names = [
      ...HOSTILE.filter((value) => !value.includes('/') && value.length < 200).map((name) => Buffer.from(name)),
      LATIN,
    ];
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(join(folder, 'names/')), name]), '');
    const sorted = (list: readonly Buffer[]) => list.map((each) => each.toString('latin1')).toSorted();
    const found = given(`cd names && batchx exec "printf '%s\\\\0' {}" '**/*'`);
    // A name that begins with a dash is no flag.
    const plain = names.map((name) => (name[0] === 0x2d ? Buffer.concat([Buffer.from('./'), name]) : name));
    expect(sorted(found)).toEqual(sorted(plain));
  });

  it('from a file of what failed, with the same values', () => {
    given(`batchx exec -q -k0 --failed again.jsonl false ; batchx exec -k -a again.jsonl printf '%s\\0'`, nul);
    expect(given(`batchx exec -k -a again.jsonl printf '%s\\0'`)).toEqual(values);
    bash(`cd names && batchx exec -q --failed ../files.jsonl 'false' '**/*'`);
    const found = given(`cd names && batchx exec -k "printf '%s\\\\0' {} {{ basename }}" -a ../files.jsonl`);
    const expected = given(`cd names && batchx exec -k "printf '%s\\\\0' {} {{ basename }}" '**/*'`);
    expect(found.map((each) => each.toString('latin1')).toSorted()).toEqual(
      expected.map((each) => each.toString('latin1')).toSorted(),
    );
  });
});

describe('what commands write', () => {
  it('is whole, and in one piece, however much it is; memory stays small', () => {
    const size = 10_000_000;
    file(
      'rss.cjs',
      `process.on('exit', () => require('fs').writeFileSync('rss', String(process.resourceUsage().maxRSS)));`,
    );
    const jobs = ['1', '2', '3', '4', '5', '6', '7', '8'];
    const script = `exec node -r ./rss.cjs "$0" exec -j8 sh flood.sh ::: ${jobs.join(' ')} > flood.out 2> flood.err`;
    expect(spawnSync('bash', ['-c', script, program], { cwd: folder, env }).status).toBe(0);
    for (const stream of ['out', 'err']) {
      const written = readFileSync(join(folder, `flood.${stream}`));
      expect(written.length).toBe(size * jobs.length);
      const seen: string[] = [];
      for (let at = 0; at < written.length; at += size) {
        const line = written.subarray(at, written.indexOf(10, at) + 1);
        seen.push(line.toString('latin1', 4, 5));
        const expected = Buffer.alloc(size, line);
        expect(written.subarray(at, at + size).equals(expected)).toBe(true);
      }
      expect(seen.toSorted()).toEqual(jobs);
    }
    expect(Number(read('rss'))).toBeLessThan(150 * 1024);
  });

  it('may be tagged, and in the order of the values', () => {
    file(
      'later.sh',
      'while [ "$1" = a ] && [ -e flood.sh ] && ! [ -e b.done ]; do sleep 0.01; done; touch $1.done; echo 1; echo 2 >&2; printf 3',
    );
    const { stdout, stderr } = exec(['-k', '-j2', '--tag', 'sh later.sh', ':::', 'a', 'b']);
    expect([stdout, stderr]).toEqual(['a\t1\na\t3b\t1\nb\t3', 'a\t2\nb\t2\n']);
  });

  it('is shown line by line when told, and lines stay whole', async () => {
    bash('rm -f *.go');
    file(
      'slow.sh',
      'printf "$1 1\\n$1 half"; echo "$1 err" >&2; while [ -e flood.sh ] && ! [ -e $1.go ]; do sleep 0.01; done; printf "done\\nrest"',
    );
    const running = start([
      'exec',
      '-j2',
      '--line-buffer',
      '--tag',
      '--joblog',
      'slow.log',
      'sh slow.sh',
      ':::',
      'a',
      'b',
    ]);
    const has = (...expected: string[]) =>
      running.until(({ stdout }) => lines(stdout).toSorted().join() === expected.join());
    await has('a\ta 1', 'b\tb 1');
    file('b.go', '');
    await running.until(({ stdout }) => stdout.includes('b halfdone\n'));
    file('a.go', '');
    const { stdout, stderr, ended } = await running.ended;
    expect(ended).toBe(0);
    expect(stdout.match(/[ab]\t[ab] halfdone\n/g)).toHaveLength(2);
    expect(lines(stderr).toSorted()).toEqual(['a\ta err', 'b\tb err']);
    expect(
      lines(read('slow.log'))
        .slice(1)
        .map((line) => line.split('\t')[5]),
    ).toEqual(['19', '19']);
  });

  it('is that of the last try only', () => {
    file('try.sh', 'echo x >> tries; n=$(wc -l < tries); echo "out $n"; echo "err $n" >&2; test $n -ge 2');
    const { stdout, stderr, ended } = exec(['--retries', '3', '--joblog', 'try.log', 'sh try.sh', ':::', 'v']);
    expect([stdout, stderr, ended]).toEqual(['out 2\n', 'err 2\n', 0]);
    expect(lines(read('try.log'))).toHaveLength(2);
  });

  it('is JSON with --out jsonl, with what they did', () => {
    const { stdout, ended } = exec(['-k', '--out', 'jsonl', 'ls', '-d', ':::', '.', 'none']);
    const [ok, bad] = lines(stdout).map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>);
    expect(ok).toMatchObject({ id: '.', success: true, result: { command: 'ls -d .', exitCode: 0, stdout: '.\n' } });
    expect(bad).toMatchObject({
      id: 'none',
      success: false,
      error: { code: 'exec' },
      result: { exitCode: 2, stdout: '' },
    });
    expect(ended).toBe(1);
  });

  it('goes to files with --results, and nothing is shown', () => {
    const { stdout, stderr, ended } = exec(['--results', 'kept', 'ls', '-d', ':::', '.', '..', 'a/b']);
    expect([stdout, ended]).toEqual(['', 1]);
    expect(stderr).toContain("batchx: a/b: exit code 2: ls: cannot access 'a/b'");
    expect(readdirSync(join(folder, 'kept/1')).toSorted()).toEqual(['%2E', '%2E%2E', 'a%2Fb']);
    expect(read('kept/1/%2E%2E/stdout')).toBe('..\n');
    expect(read('kept/1/a%2Fb/stderr')).toContain('cannot access');
  });

  it('does not wait for what goes on in the background', () => {
    const { stdout, ended } = exec(['--shell', 'sleep 60 & echo $! {}', ':::', 'a']);
    expect(ended).toBe(0);
    process.kill(Number(stdout.split(' ')[0]), 'SIGKILL');
  });

  it('may end before it is done, and nothing need be read', () => {
    expect(exec(['--shell', 'exec >&- 2>&-; : {}', ':::', 'a']).ended).toBe(0);
    expect(exec(['--stdin', 'true', ':::', 'x'.repeat(100_000)]).ended).toBe(0);
    expect(exec(['--stdin', '-k', 'wc -c', ':::', 'x'.repeat(100_000), '']).stdout).toBe('100001\n1\n');
    expect(exec(['cat', ':::'].concat(['lines'])).ended).toBe(0);
  });
});

describe('what is told', () => {
  it('names the value, not the line that it came from', () => {
    expect(exec(['--no-journal', 'false'], 'a\nb c\n').stderr).toBe(
      'batchx: a: exit code 1\nbatchx: b c: exit code 1\nbatchx: 2 items read: 2 failed (2 exec)\n',
    );
    expect(exec(['false'], `${'x'.repeat(100)}\n`).stderr).toContain('batchx: stdin:1: exit code 1\n');
    file('rows.csv', 'n\n1\n');
    expect(exec(['--in', 'csv', 'false {{ n }}', 'rows.csv']).stderr).toContain('batchx: rows.csv:2: exit code 1\n');
  });

  it('is not what a command has said itself, but the causes at the end', () => {
    const { stderr } = exec(['-j1', '--no-journal', '--shell', 'echo "no {}" >&2; exit 3', ':::', 'a', 'b']);
    expect(stderr).toBe(
      'no a\nno b\nbatchx: 2 items read: 2 failed\n  2 exec: exit code 3 - e.g. a: exit code 3: no a\n',
    );
    expect(exec(['-q', 'false', ':::', 'a'])).toEqual({ stdout: '', stderr: '', ended: 1 });
  });

  it('is each command with --verbose, and what would be run with --dry-run', () => {
    expect(exec(['-v', 'true', ':::', "it's"]).stderr).toBe(`batchx: true "it's"\n`);
    const script = ['--shell', 'echo {} | tee "{.}" # {}', ':::', 'a b.c', '$x'];
    expect(exec(['-vk', '--joblog', 'v.log', ...script]).stderr).toBe(
      `batchx: echo 'a b.c' | tee ""'a b'"" # {}\nbatchx: echo '$x' | tee ""'$x'"" # {}\n`,
    );
    expect(lines(read('v.log')).at(-1)).toMatch(/\techo '\$x' \| tee ""'\$x'"" # \{\}$/);
    bash('rm -f v.log');
    const dry = exec(['--dry-run', '-k', '--joblog', 'v.log', '--results', 'dry', '--delay', '60', ...script]);
    expect(dry).toEqual({
      stdout: `echo 'a b.c' | tee ""'a b'"" # {}\necho '$x' | tee ""'$x'"" # {}\n`,
      stderr: '',
      ended: 0,
    });
    expect(readdirSync(folder)).not.toContain('v.log');
    expect(readdirSync(folder)).not.toContain('dry');
  });

  it('is why there is nothing to do, with exit code 4 unless that is well', () => {
    for (const [args, message] of [
      [['cat {}', 'no*such'], 'no*such: no file matches; --allow-empty takes that for all that there is to do'],
      [['cat {}', 'nothing'], 'cannot read nothing: there is no such file or folder'],
      [['cat', ':::'], 'there are no values; --allow-empty'],
      [['cat'], 'there are no values on standard input; --allow-empty'],
      [['cat', '-a', 'nothing'], 'cannot read nothing: '],
    ] as const) {
      const done = exec(args);
      expect([args, done.ended]).toEqual([args, 4]);
      expect(done.stderr).toContain(`batchx: ${message}`);
    }
    expect(exec(['--allow-empty', 'cat {}', 'no*such'])).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(exec(['--limit', '0', 'echo', ':::', 'a']).ended).toBe(0);
    expect(bash('batchx exec cat <&-')).toMatchObject({
      stderr: 'batchx: cannot read stdin: it is closed\n',
      ended: 4,
    });
  });

  it('is wrong usage, before anything is run', () => {
    for (const [args, message] of [
      [['touch ran', '-', 'lines'], 'expected `-` alone, got - lines'],
      [['-N2', 'touch ran', 'lines'], 'expected --max-args with values'],
      [['--line-buffer', '-k', 'touch ran', ':::', 'x'], 'expected one of --line-buffer and --keep-order'],
      [['--line-buffer', '--out', 'jsonl', 'touch ran', ':::', 'x'], 'expected one of --line-buffer and --out jsonl'],
      [['--rate', '1/s', '--delay', '1', 'touch ran', ':::', 'x'], 'expected one of --rate and --delay'],
      [['touch ran | x', ':::', 'x'], 'no shell is run here'],
      [['--creates', 'x', 'touch ran', ':::', 'x'], 'expected the command to name the file that it creates'],
      [['--failed', '-', 'touch ran', ':::', 'x'], 'that is standard output'],
    ] as const) {
      const { stderr, ended } = exec(args);
      expect(stderr).toContain(message);
      expect([args, ended]).toEqual([args, 2]);
    }
    expect(readdirSync(folder)).not.toContain('ran');
  });

  it('is the help, unless it is asked of the command', () => {
    expect(exec(['--help']).stdout).toContain('Usage: batchx exec');
    expect(exec(['ls', '--help']).stdout).toContain('Usage: batchx exec');
    for (const args of [
      ['echo', '--help', ':::', 'a'],
      ['--', 'echo', '--help'],
      ['echo', '--help', '{}'],
    ])
      expect(exec(args, 'a\n').stdout).toBe('--help a\n');
  });
});

describe('what runs when', () => {
  const begun = (log: string): number[] =>
    lines(read(log))
      .slice(1)
      .map((line) => Number(line.split('\t')[2]));

  it('is spaced by --delay and --rate', () => {
    for (const flags of [
      ['--delay', '0.15'],
      ['--rate', '2/300ms'],
    ]) {
      exec(['-j5', ...flags, '--joblog', 'starts', 'true', ':::', '1', '2', '3', '4', '5']);
      const starts = begun('starts').toSorted((a, b) => a - b);
      // 0.6, less what the first one may be late by.
      expect((starts[4] as number) - (starts[0] as number)).toBeGreaterThan(0.4);
    }
  });

  it('is as many as -j says, in places that are used again', () => {
    file(
      'count.sh',
      'touch in.$1; ls in.* | wc -l; n=0; while [ "$(ls in.* all.* 2>/dev/null | wc -l)" -lt 3 ] && [ $((n += 1)) -lt 300 ]; do sleep 0.01; done; touch all.$1; rm in.$1; echo $2',
    );
    const { stdout } = exec(['-j3', 'sh', 'count.sh', '{}', '{%}', ':::', 'a', 'b', 'c', 'd', 'e', 'f']);
    const numbers = lines(stdout).map(Number);
    expect(Math.max(...numbers)).toBe(3);
    expect(exec(['-j50%', '-k', 'echo', ':::', 'a', 'b']).stdout).toBe('a\nb\n');
  });

  it('ends what takes longer than it may, with what it had said', () => {
    file('hang.sh', 'echo "begins $1"; sleep 60 & wait');
    for (const [timeout, message] of [
      ['0.5', 'took longer than 0.5s'],
      ['1000%', 'took longer than 1000% of the median'],
    ]) {
      const script = 'case {} in hang) exec sh hang.sh {} ;; *) sleep 0.05 ;; esac';
      const mark = `late-${timeout}`;
      const args = [
        '-j1',
        '--timeout',
        String(timeout),
        '--joblog',
        'late',
        '--env',
        `MARK=${mark}`,
        '--shell',
        script,
      ];
      const { stdout, stderr, ended } = exec([...args, ':::', 'a', 'b', 'hang', 'c']);
      expect([stdout, ended]).toEqual(['begins hang\n', 1]);
      expect(stderr).toContain(`batchx: hang: ${message}`);
      expect(lines(read('late')).map((line) => line.split('\t')[6])).toEqual(['Exitval', '0', '0', '-1', '0']);
      expect(marked(mark)).toEqual([]);
    }
  });

  it('is run again after a wait that grows', () => {
    const { stderr, ended } = exec([
      '--retries',
      '1',
      '--joblog',
      'retries',
      '--shell',
      'date +%s%N >> again; false {}',
      ':::',
      'v',
    ]);
    const [first, second] = lines(read('again')).map(Number);
    expect(ended).toBe(1);
    expect(stderr).toContain('batchx: v: exit code 1');
    expect((second as number) - (first as number)).toBeGreaterThan(0);
    expect(exec(['--retries', '3', '--shell', 'echo x >> once; exit 127 # ', ':::', 'v']).ended).toBe(2);
    exec(['--retries', '3', '--shell', 'echo {} >> once; exit 127', ':::', 'v']);
    expect(read('once')).toBe('v\n');
  });

  it('is no more once five in a row have no program', () => {
    const few = exec(['no-such-program'], '1\n2\n3\n4\n');
    expect(few.ended).toBe(1);
    expect(few.stderr).toContain('batchx: 1: no program is called "no-such-program" on the PATH');
    for (const args of [['no-such-program'], ['--shell', 'no-such-program {}']]) {
      const many = exec(['-j1', '--joblog', 'none', ...args], '1\n2\n3\n4\n5\n6\n7\n8\n');
      expect(many.ended).toBe(3);
      expect(many.stderr).toContain('halted, as 5 items in a row failed alike: ');
      expect(many.stderr).toContain('5 failed, 3 not started');
      expect(
        lines(read('none'))
          .slice(1)
          .map((line) => line.split('\t')[6]),
      ).toEqual(Array(5).fill('127'));
    }
    // Who says when to halt is taken at their word, as by GNU parallel.
    for (const [halt, count] of [
      ['never', 8],
      ['soon,fail=7', 7],
    ] as const) {
      const said = exec(['-j1', '--halt', halt, '--joblog', 'none', 'no-such-program'], '1\n2\n3\n4\n5\n6\n7\n8\n');
      expect([said.ended, lines(read('none')).length - 1]).toEqual([halt === 'never' ? 1 : 3, count]);
    }
    // That the values are wrong says nothing of the next.
    const values = Array.from({ length: 7 }, (_, i) => `no-such-program-${i}`);
    expect(exec(['-j1', '{}', ':::', ...values]).ended).toBe(1);
  });

  for (const [limit, jobs] of [
    [28, 16],
    [40, 8],
  ] as const) {
    onLinux(`is all of it with ${limit} descriptors`, () => {
      const { stdout, stderr } = bash(
        `ulimit -n ${limit}; seq 60 | batchx exec -j${jobs} --shell 'sleep 0.01; echo {}' | sort -n | tr '\\n' ' '; echo "ended by \${PIPESTATUS[1]}"`,
      );
      expect(stderr).toBe('');
      expect(stdout).toBe(`${Array.from({ length: 60 }, (_, i) => i + 1).join(' ')} ended by 0\n`);
    });
  }

  onLinux('is all of it with few descriptors, and its output is kept', () => {
    bash('rm -rf few; mkdir few');
    const run = `batchx exec -j16 --joblog few.log --results few/r --creates 'few/{}' --shell 'sleep 0.03; echo {} > {outputPath}; echo out {}'`;
    const done = bash(`ulimit -n 28; seq 60 | ${run}`);
    expect(done).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(readdirSync(join(folder, 'few/r/1'))).toHaveLength(60);
    expect(readdirSync(join(folder, 'few'))).toHaveLength(61);
  });
});

describe('what failed', () => {
  it('is run again by the line that is told, and nothing else', () => {
    bash('rm -rf work; mkdir work; cd work; mkdir "a dir"; touch "a dir/x.in" "a dir/it\'s.in" ok.in');
    writeFileSync(
      join(folder, 'work/cmd'),
      '#!/bin/sh\ncase $1 in *ok*) ;; *) test -e fixed ;; esac && echo "$@" >> ran\n',
    );
    chmodSync(join(folder, 'work/cmd'), 0o755);
    for (const [line, ran] of [
      [`batchx exec --failed f.jsonl './cmd {} {/.}' '**/*.in' -k --limit 10`, `a dir/it's.in it's\na dir/x.in x\n`],
      [`batchx exec -kC , --failed f.jsonl ./cmd {2} -{1} ::: a,b ok,ok c,"d e"`, `b -a\nd e -c\n`],
      [`printf 'a\\nok\\n-b\\n' | batchx exec -k --failed=f.jsonl ./cmd {}`, 'a\n-b\n'],
      [`batchx exec -kN2 --header : --failed f.jsonl ./cmd {x} {2} ::: x a 1 ok 2 b 3`, 'a 1\nb 3\n'],
      [`printf 'a\\0ok\\0b\\nc\\0' | batchx exec -k0 --failed f.jsonl ./cmd -x {}`, undefined],
      [
        `printf 'n,m\\nok,1\\na,2\\n' > r.csv; batchx exec --in csv --failed f.jsonl './cmd {{ n }} {{ m }}' r.csv`,
        'a 2\n',
      ],
    ]) {
      // In a job it is `batchx retry` that runs them again.
      const first = bash(`cd work; rm -f fixed ran f.jsonl; ${line?.replace('exec', 'exec --no-journal')}`);
      expect(first.ended).toBe(1);
      const [, again = ''] =
        /^batchx: to run (?:just the \d that|the one that) failed again: (.*)$/m.exec(first.stderr) ?? [];
      const second = bash(`cd work; touch fixed; rm -f ran; ${again}`);
      expect([line, again !== '', second.stderr, second.ended]).toEqual([line, true, '', 0]);
      if (ran !== undefined) expect(lines(read('work/ran')).toSorted()).toEqual(lines(ran).toSorted());
      // All is well now: nothing is left to run again.
      expect(readdirSync(join(folder, 'work'))).not.toContain('f.jsonl');
    }
  });

  it('is kept beside the log and the results', () => {
    bash('rm -rf three; mkdir three');
    const flags = ['--failed', 'three/f.jsonl', '--joblog', 'three/log', '--results', 'three/r'];
    const { stdout, ended } = exec([...flags, '--shell', 'echo {}; exit {}', ':::', '0', '1', '2']);
    expect([stdout, ended]).toEqual(['', 1]);
    expect(lines(read('three/f.jsonl')).map((line) => (JSON.parse(line) as { data: unknown }).data)).toEqual([
      '1',
      '2',
    ]);
    expect(lines(read('three/log')).map((line) => line.split('\t')[6])).toEqual(['Exitval', '0', '1', '2']);
    expect(['0', '1', '2'].map((value) => read(`three/r/1/${value}/stdout`))).toEqual(['0\n', '1\n', '2\n']);
  });

  it('is not forgotten by a dry run, nor by one that is limited', () => {
    exec(['-j1', '--failed', 'keep.jsonl', 'false', ':::', 'a', 'b', 'c']);
    const before = read('keep.jsonl');
    exec(['--dry-run', '--failed', 'keep.jsonl', '-a', 'keep.jsonl', 'true']);
    expect(read('keep.jsonl')).toBe(before);
    exec(['-j1', '--limit', '1', '--failed', 'keep.jsonl', '-a', 'keep.jsonl', 'true']);
    expect(lines(read('keep.jsonl')).length).toBeGreaterThanOrEqual(2);
  });

  it('keeps a command in one line of the log', () => {
    exec(['--joblog', 'log', 'echo', ':::', 'a\nb', 'c\td']);
    const rows = lines(read('log')).map((line) => line.split('\t'));
    expect(rows).toHaveLength(3);
    expect(rows.every((row) => row.length === 9)).toBe(true);
  });
});

describe('outputs that cannot be written', () => {
  it('end it: stdout closed, full, or without a reader', () => {
    expect(bash('batchx exec echo ::: a >&-')).toMatchObject({
      stderr: expect.stringContaining('cannot write stdout') as string,
      ended: 5,
    });
    expect(bash('batchx exec echo ::: a > /dev/full')).toMatchObject({
      stderr: expect.stringContaining('ENOSPC') as string,
      ended: 5,
    });
    expect(bash('batchx exec --line-buffer echo ::: a > /dev/full').ended).toBe(5);
    expect(bash('batchx exec --out jsonl echo ::: a > /dev/full').ended).toBe(5);
    const head = bash(
      'seq 1000 | batchx exec -j1 --joblog head.log seq {} 100000 | head -1; echo "ended by ${PIPESTATUS[1]}"',
    );
    expect(head).toMatchObject({ stdout: '1\nended by 141\n', stderr: '' });
    expect(lines(read('head.log')).length).toBeLessThan(100);
  });

  it('may be that of errors: a closed one is no reason to stop', () => {
    expect(bash('batchx exec -k --shell "echo e >&2; echo {}; exit 1" ::: a b 2>&-')).toMatchObject({
      stdout: 'a\nb\n',
      ended: 1,
    });
    expect(bash('batchx exec ls ::: /none 2> /dev/full').ended).toBe(5);
  });

  const mount = 'mkdir -p full && mount -t tmpfs -o size=128k none full';
  const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', mount], { cwd: folder }).status === 0;
  /** On a disk of 128 KB. */
  const full = (script: string) => {
    const { status, stdout, stderr } = spawnSync('unshare', ['-rm', 'bash', '-c', `${mount} && cd full && ${script}`], {
      cwd: folder,
      env,
    });
    return { stdout: stdout.toString(), stderr: stderr.toString(), ended: status };
  };
  const onSmallDisk = (name: string, test: () => void): void => {
    if (canMount) it(name, test);
    else it.skip(`${name} (skipped: no disk can be mounted here)`, test);
  };

  onSmallDisk('are files of --creates on a full disk: no half one gets its name', () => {
    const { stdout, ended } = full(
      `batchx exec -q --creates 'f{}' --shell 'head -c {} /dev/zero > {outputPath}' ::: 200000 300000 1000; echo "ended by $?"; ls`,
    );
    expect([stdout, ended]).toEqual(['ended by 1\nf1000\n', 0]);
  });

  onSmallDisk('are logs, results, what failed, temporary files and stdout on a full disk', () => {
    const long = 'x'.repeat(5000);
    for (const [name, command] of [
      ['joblog', `batchx exec --joblog log 'true ${long}' ::: $(seq 50)`],
      ['failed', `batchx exec --failed f.jsonl 'false' ::: $(printf '${long}%s\\n' $(seq 50))`],
      ['results', `batchx exec -k --results r --shell 'head -c 50000 /dev/zero; : {}' ::: 1 2 3 4 5`],
      ['spool', `TMPDIR=. batchx exec --shell 'head -c 3000000 /dev/zero; : {}' ::: 1 2 > /dev/null`],
      ['stdout', `batchx exec --shell 'head -c 50000 /dev/zero; : {}' ::: 1 2 3 4 5 > out`],
      ['stdout by lines', `batchx exec --line-buffer 'seq {} 90000' ::: 1 > out`],
    ] as const) {
      const { stdout, stderr } = full(
        `${command}; echo "ended by $?"; find . -name .batchx-\\* ; find r -name stdout -printf '%s ' 2> /dev/null`,
      );
      expect([name, stdout]).toEqual([name, `ended by 5\n${name === 'results' ? '50000 50000 ' : ''}`]);
      expect(stderr).toContain('ENOSPC');
    }
  });
});

describe('signals', () => {
  const holds = (count: number) => (running: Running) => (running.stderr.match(/holds/g)?.length ?? 0) >= count;
  const stubborn = (mark: string, ...flags: string[]) =>
    start(['exec', '-j2', '--line-buffer', ...flags, '--env', `MARK=${mark}`, 'sh stubborn.sh', ':::', '1', '2', '3']);

  /** What a program takes that waits as long as stubborn commands are given to end: a busy machine is late with it, too. */
  const waited = async (): Promise<number> => {
    const at = performance.now();
    await new Promise((resolve) => spawn('sleep', ['0.4']).on('exit', resolve));
    return performance.now() - at;
  };

  onLinux('leave no process, however they end it, and take a second for that', async () => {
    for (const [name, end, ended] of [
      [
        'int',
        async (running: Running) => {
          running.kill('SIGINT');
          await running.until(({ stderr }) => stderr.includes('stopping'));
          running.kill('SIGINT');
        },
        'SIGINT',
      ],
      [
        'term',
        async (running: Running) => {
          running.kill('SIGTERM');
          await running.until(({ stderr }) => stderr.includes('stopping'));
          running.kill('SIGTERM');
        },
        'SIGTERM',
      ],
    ] as const) {
      const running = stubborn(name);
      await running.until(holds(2));
      expect(marked(name).length).toBeGreaterThanOrEqual(6);
      await end(running);
      const at = performance.now();
      const least = waited();
      const done = await running.ended;
      expect(performance.now() - at - (await least)).toBeLessThan(600);
      expect([name, done.ended]).toEqual([name, ended]);
      expect(done.stderr).toContain('3 items read: 3 pending');
      expect(marked(name)).toEqual([]);
    }
  });

  onLinux('leave none either when the third does not wait for those that the second has told to end', async () => {
    const running = stubborn('third');
    await running.until(holds(2));
    running.kill('SIGINT');
    await running.until(({ stderr }) => stderr.includes('stopping'));
    running.kill('SIGTERM');
    // Told to end, its commands say so: a stubborn one is still there then.
    running.kill('SIGINT');
    expect((await running.ended).ended).toBe('SIGINT');
    // Who was killed is gone as soon as the system has come to it.
    await vi.waitFor(() => expect(marked('third')).toEqual([]));
  });

  onLinux('neither does a rule that ends it now, nor a time that is over', async () => {
    const script =
      'if [ {} = 0 ]; then while [ -e flood.sh ] && ! [ -e now.go ]; do sleep 0.01; done; exit 1; fi; exec sh stubborn.sh';
    bash('rm -f now.go');
    const halted = start([
      'exec',
      '-j3',
      '--line-buffer',
      '--halt',
      'now,fail=1',
      '--env',
      'MARK=now',
      '--shell',
      script,
      ':::',
      '0',
      '1',
      '2',
      '3',
    ]);
    await halted.until(holds(2));
    file('now.go', '');
    expect(await halted.ended).toMatchObject({
      ended: 3,
      stderr: expect.stringContaining('1 failed, 3 pending') as string,
    });
    expect(marked('now')).toEqual([]);
    const late = stubborn('late', '--timeout', '1');
    expect(await late.ended).toMatchObject({
      ended: 1,
      stderr: expect.stringContaining('3 items read: 3 failed') as string,
    });
    expect(marked('late')).toEqual([]);
  });

  it('let running commands end, and start no more', async () => {
    bash('rm -f end.go');
    const script = 'echo "holds {}" >&2; while [ -e flood.sh ] && ! [ -e end.go ]; do sleep 0.01; done; echo "ends {}"';
    const running = start(['exec', '-j2', '--line-buffer', '--shell', script, ':::', '1', '2', '3', '4']);
    await running.until(holds(2));
    running.kill('SIGINT');
    await running.until(({ stderr }) => stderr.includes('stopping'));
    file('end.go', '');
    const { stdout, stderr, ended } = await running.ended;
    expect([lines(stdout).toSorted(), ended]).toEqual([['ends 1', 'ends 2'], 'SIGINT']);
    expect(stderr).toContain('interrupted by SIGINT: ');
    expect(stderr).toContain('2 ok, 2 pending');
    expect(holds(3)(running)).toBe(false);
  });

  itNeeds(
    'tmux',
    'of a terminal: Ctrl-C does not reach the commands, the second one ends them, and a loop of the shell',
    async () => {
      bash('rm -f tty.go tty.log');
      file(
        'tty.sh',
        'trap "echo reached >> tty.log" INT; echo "holds $1"; while [ -e flood.sh ] && ! [ -e tty.go ]; do sleep 0.01; done; echo "ends $1"',
      );
      const loop = (mark: string, command: string) =>
        `for i in 1 2; do echo "loop $i"; MARK=${mark} batchx exec -j2 --line-buffer ${command} ::: 1 2 3; echo "code $?"; done`;
      const first = await Terminal.running(loop('tty1', `'sh tty.sh'`));
      await first.until(/holds 1[^]*holds 2|holds 2[^]*holds 1/);
      first.type('^C');
      await first.until(/stopping/);
      file('tty.go', '');
      const { screen, code } = await first.ended();
      expect(screen).toMatch(/ends [12][^]*ends [12]/);
      expect(screen).toContain('interrupted by SIGINT');
      expect(screen).not.toMatch(/loop 2|holds 3/);
      expect(code).toBe(130);
      expect(readdirSync(folder)).not.toContain('tty.log');
      await first.end();

      const second = await Terminal.running(loop('tty2', 'sh stubborn.sh'));
      await second.until(/holds \d+[^]*holds \d+/);
      second.type('^C');
      await second.until(/stopping/);
      second.type('^C');
      const at = performance.now();
      const least = waited();
      expect((await second.ended()).code).toBe(130);
      expect(performance.now() - at - (await least)).toBeLessThan(600);
      expect(second.screen).not.toContain('loop 2');
      expect(marked('tty2')).toEqual([]);
      await second.end();
    },
  );
});

describe('a file that is created', () => {
  it('stays when it is there, and the flag that says otherwise is named', () => {
    bash('rm -rf made; mkdir made; echo 1 > made/a.in; echo old > made/a.out');
    const args = ['cp {} {.}.out', '--creates', '{.}.out', 'made/*.in'];
    const refused = exec(args);
    expect(refused.ended).toBe(1);
    expect(refused.stderr).toContain(
      'cannot write made/a.out: it is there already; remove it, or say skip or overwrite by --on-exists',
    );
    expect(exec([...args, '--on-exists', 'skip'])).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(read('made/a.out')).toBe('old\n');
    expect(exec([...args, '--on-exists', 'overwrite']).ended).toBe(0);
    expect(read('made/a.out')).toBe('1\n');
    expect(statSync(join(folder, 'made')).isDirectory()).toBe(true);
    expect(readdirSync(join(folder, 'made')).toSorted()).toEqual(['a.in', 'a.out']);
  });

  it('is seen from the folder that its command runs in', () => {
    bash('rm -rf seen; mkdir -p seen/a; echo 1 > seen/a/x.in');
    const args = ['cp {/} {/.}.out', '--cwd', '{//}', '--creates', '{/.}.out', 'seen/*/*.in'];
    expect(exec(args)).toEqual({ stdout: '', stderr: '', ended: 0 });
    expect(readdirSync(join(folder, 'seen/a')).toSorted()).toEqual(['x.in', 'x.out']);
  });

  it('is never half there, whenever it is ended', async () => {
    bash('rm -rf half; mkdir half');
    const script = 'printf half > {outputPath}; echo holds >&2; sleep 60';
    const running = start(['exec', '--line-buffer', '--creates', 'half/{}', '--shell', script, ':::', 'a']);
    await running.until(({ stderr }) => stderr.includes('holds'));
    expect(readdirSync(join(folder, 'half'))).toEqual([expect.stringMatching(/^\.batchx-\w+-a$/)]);
    running.kill('SIGTERM');
    await running.until(({ stderr }) => stderr.includes('stopping'));
    running.kill('SIGTERM');
    expect((await running.ended).ended).toBe('SIGTERM');
    expect(readdirSync(join(folder, 'half'))).toEqual([]);
  });
});
