import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { bash, env, file, folder, onLinux } from './program.js';

/** What a script of bash wrote to standard output, a character for each byte. */
const latin = (script: string): string =>
  spawnSync('bash', ['-c', script], { cwd: folder, env, input: '' }).stdout.toString('latin1');

describe('arguments that are not UTF-8', () => {
  onLinux('are passed on as they are, as words of a command and as values', () => {
    const argument = `$(printf 'printf %%s- \\xff{}')`;
    expect(latin(`batchx exec "${argument}" ::: a`)).toBe('\xffa-');
    expect(latin(`echo b | batchx exec -- "${argument}"`)).toBe('\xffb-');
    expect(latin(`batchx exec --shell "${argument} é" ::: c`)).toBe('\xffc-\xc3\xa9-');
    expect(latin(`batchx exec printf %s%s%s {} $'\\xff' $'é\\xe9\\n' ::: $'\\xfe'`)).toBe('\xfe\xff\xc3\xa9\xe9\n');
    expect(latin(`batchx exec --dry-run echo $'\\xff' ::: a`)).toBe(`echo $'\\377' a\n`);
    bash(`printf '#!/bin/sh\\necho ran' > $'prog\\xff'; chmod +x $'prog\\xff'`);
    expect(latin(`batchx exec $'./prog\\xff' ::: a`)).toBe('ran\n');
  });

  onLinux('are in the line that runs again what failed', () => {
    const { stderr } = bash(`batchx exec --no-journal --failed bytes.jsonl false $'\\xff' ::: a`);
    expect(stderr).toContain(`batchx exec --no-journal --failed bytes.jsonl -a bytes.jsonl false $'\\377'\n`);
  });

  onLinux('are refused where they cannot be passed on, with what to do', () => {
    const name = Buffer.concat([Buffer.from(join(folder, 'bad')), Buffer.from([0xff]), Buffer.from('.txt')]);
    writeFileSync(name, 'in it\n');
    file('in.jsonl', '1\n');
    const bad = `$'bad\\xff.txt'`;
    const shown = `$'bad\\377.txt'`;
    for (const [args, message] of [
      [`exec cat ${bad}`, `expected names in UTF-8, got ${shown}: give such files behind \`:::\``],
      [`exec cat :::: ${bad}`, `expected names in UTF-8 behind \`::::\`, got ${shown}: give that file to standard`],
      [`exec -a ${bad} echo`, `-a: expected text in UTF-8, got ${shown}: give it to standard input, with -a - < FILE`],
      [`exec --arg-file=${bad} echo`, '--arg-file: expected text in UTF-8'],
      [`exec --joblog ${bad} echo ::: a`, `--joblog: expected text in UTF-8, got ${shown}: choose another`],
      [`exec --failed ${bad} echo ::: a`, '--failed: expected text in UTF-8'],
      [`exec --results ${bad} echo ::: a`, '--results: expected text in UTF-8'],
      [`exec --cwd ${bad} echo ::: a`, '--cwd: expected text in UTF-8'],
      [`exec --creates ${bad} 'touch {outputPath}' ::: a`, '--creates: expected text in UTF-8'],
      [`exec --env A=${bad} echo ::: a`, '--env: expected text in UTF-8'],
      [`exec -C ${bad} echo ::: a`, '-C: expected text in UTF-8'],
      [`map data ${bad}`, `expected the name of an input in UTF-8, got ${shown}: give that file to standard input`],
      [`filter ${bad} in.jsonl`, 'expected an expression in UTF-8'],
      [`map data ::: a ${bad}`, 'expected values in UTF-8'],
      [`map data in.jsonl --failed ${bad}`, '--failed: expected text in UTF-8'],
    ] as const) {
      const { stdout, stderr, ended } = bash(`batchx ${args}`);
      expect(stderr).toContain(`batchx: ${message}`);
      expect([args, stdout, ended]).toEqual([args, '', 2]);
    }
    // What is advised there.
    const advised = `batchx exec cat ::: ${bad}; batchx exec cat 'bad*.txt'; batchx map data --in lines < ${bad}`;
    expect(bash(advised).stdout).toBe('in it\nin it\n"in it"\n');
    expect(bash(`batchx map data 'bad*.txt'`)).toMatchObject({
      stderr: expect.stringContaining('its name is not UTF-8; rename it, or give it to standard input') as string,
      ended: 4,
    });
  });

  onLinux('are told from text that has the mark of what cannot be decoded', () => {
    expect(latin(`batchx exec printf %s ::: '\ufffd'`)).toBe(Buffer.from('\ufffd').toString('latin1'));
    expect(bash(`batchx map data ::: '\ufffd'`).stdout).toBe('"\ufffd"\n');
  });
});
