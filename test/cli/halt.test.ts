import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bash, batchx, file, folder, itNeeds, jsonl } from './program.js';
import { Terminal } from './terminal.js';

const numbers = (count: number): string => jsonl(...Array.from({ length: count }, (_, n) => n + 1));
/** Fails for each fourth number. */
const fourth = 'data % 4 === 0 ? data.x.y : data';
const last = ({ stderr }: { stderr: string }): string | undefined => stderr.trimEnd().split('\n').at(-1);

describe('--halt', () => {
  it.each([
    ['now,fail=2', 3, 'halted: 2 items failed (--halt now,fail=2): 8 items read: 6 ok, 2 failed (2 expression)'],
    ['soon,fail=1', 3, 'halted at the first failure (--halt soon,fail=1): 4 items read: 3 ok, 1 failed (1 expression)'],
    ['2', 3, 'halted at the first failure (--halt now,fail=1): 4 items read: 3 ok, 1 failed (1 expression)'],
    ['20%', 3, 'halted: 2 of 10 items failed (--halt soon,fail=20%): 10 items read: 8 ok, 2 failed (2 expression)'],
    ['now,success=1', 0, 'halted at the first success (--halt now,success=1): 1 item read: 1 ok'],
    ['-1', 0, 'halted at the first success (--halt soon,success=1): 1 item read: 1 ok'],
    [
      'now,success=4',
      0,
      'halted: 4 items went well (--halt now,success=4): 5 items read: 4 ok, 1 failed (1 expression)',
    ],
    ['soon,done=3', 0, 'halted: 3 items are done (--halt soon,done=3): 3 items read: 3 ok'],
    ['soon,done=4', 1, 'halted: 4 items are done (--halt soon,done=4): 4 items read: 3 ok, 1 failed (1 expression)'],
    ['now,fail=9,done=2', 0, 'halted: 2 items are done (--halt now,done=2): 2 items read: 2 ok'],
    ['never', 1, '16 items read: 12 ok, 4 failed'],
    ['soon,fail=5', 1, '16 items read: 12 ok, 4 failed'],
  ])('%s ends as it says, with the exit code %d', (rule, code, says) => {
    const done = batchx(['map', fourth, '--halt', rule], numbers(16));
    expect(done.ended).toBe(code);
    expect(done.stderr).toContain(`batchx: ${says}\n`);
    const [, ok = '0'] = /(\d+) ok/.exec(says) ?? [];
    expect(done.stdout.split('\n')).toHaveLength(Number(ok) + 1);
  });

  it('soon lets running calls end, now gives them up; what is not done is told', () => {
    // The first call fails once there are four; the others end after that.
    const calls = (then: string): string =>
      `async (n) => { globalThis.all ??= new Promise((go) => (globalThis.go = go)); if (n === 4) go(); await all; if (n === 1) throw new Error('no'); ${then}; return n }`;
    const soon = batchx(['map', calls('await new Promise(setImmediate)'), '--halt', 'soon,fail=1'], numbers(9));
    expect(soon).toMatchObject({ stdout: '2\n3\n4\n', ended: 3 });
    expect(last(soon)).toContain('9 items read: 3 ok, 1 failed, 5 not started (1 expression)');
    const now = batchx(['map', calls('await new Promise(() => {})'), '--halt', 'now,fail=1'], numbers(9));
    expect(now).toMatchObject({ stdout: '', ended: 3 });
    expect(last(now)).toContain('9 items read: 1 failed, 8 pending (1 expression)');
  });

  it('reads no more of an input that does not end', () => {
    const { stderr } = bash(`yes 1 | batchx filter false --halt now,done=100; echo "\${PIPESTATUS[*]}" >&2`);
    expect(stderr).toContain('100 items read: 100 skipped\n141 0\n');
  });

  it('finds the first row that fits', () => {
    expect(batchx(['filter', 'data > 30', '--halt', 'now,success=1'], numbers(99))).toMatchObject({
      stdout: '31\n',
      ended: 0,
    });
  });

  it('is no success when what went well could not be written', () => {
    expect(batchx(['map', '1n', '--halt', 'soon,success=1'], numbers(9))).toMatchObject({ stdout: '', ended: 3 });
  });

  it('prints the figures of what was asked for, and none of a halt because of failures', () => {
    const count = ['map', fourth, '--count', '--halt'];
    expect(batchx([...count, 'now,done=6'], numbers(9))).toMatchObject({ stdout: '{"count":5}\n', ended: 1 });
    expect(batchx([...count, 'now,success=2'], numbers(9))).toMatchObject({ stdout: '{"count":2}\n', ended: 0 });
    expect(batchx([...count, 'now,fail=1'], numbers(9))).toMatchObject({ stdout: '', ended: 3 });
  });

  it('takes a share of all that is to be done where their number is known', () => {
    expect(batchx(['map', 'data', '--halt', 'soon,done=50%', ':::', 'a', 'b', 'c'])).toMatchObject({
      stdout: '"a"\n"b"\n',
      ended: 0,
    });
    const unknown = batchx(['map', 'data', '--halt', 'soon,done=50%'], numbers(9));
    expect(unknown).toMatchObject({ stdout: '', ended: 2 });
    expect(unknown.stderr).toContain('batchx: --halt soon,done=50% needs to know how many items there are');
  });

  it('refuses what is no rule, and says what is meant', () => {
    const { stdout, stderr, ended } = batchx(['map', 'data', '--halt', 'soon,fail'], numbers(9));
    expect({ stdout, ended }).toEqual({ stdout: '', ended: 2 });
    expect(stderr).toMatch(/^batchx: --halt: expected never or .* got "soon,fail"; did you mean "soon,fail=1"\?$/m);
  });

  it('goes along with --strict', () => {
    const done = batchx(['map', fourth, '--strict', '--halt', 'soon,done=2'], numbers(9));
    expect(done).toMatchObject({ stdout: '1\n2\n', ended: 0 });
    expect(batchx(['map', fourth, '--strict', '--halt', 'soon,done=9'], numbers(9))).toMatchObject({ ended: 3 });
  });
});

describe('failures', () => {
  const wrong = ({ a, b }: { a: number; b: number }): string =>
    '{}\n'.repeat(a) + '{"x":{"y":1}}\n'.repeat(5) + 'no\n'.repeat(b);

  it('are told at the end by their causes, the most frequent first', () => {
    const { stderr } = batchx(['map', 'data.x.y'], wrong({ a: 8, b: 12 }));
    expect(stderr.split('\n').slice(11)).toEqual([
      'batchx: 25 items read: 5 ok, 20 failed',
      '  12 parse: not JSON: Unexpected token … is not valid JSON - e.g. stdin:14: ' +
        'not JSON: Unexpected token \'o\', "no" is not valid JSON',
      "   8 expression: TypeError: Cannot read properties of undefined (reading 'y') - e.g. stdin:1",
      '',
    ]);
  });

  it('are told once where they are few', () => {
    expect(
      batchx(['map', 'data.x.y'], wrong({ a: 2, b: 1 }))
        .stderr.split('\n')
        .slice(3),
    ).toEqual(['batchx: 8 items read: 5 ok, 3 failed (2 expression, 1 parse)', '']);
    // Four that have nothing in common are in the lines above.
    const each = '(n) => { throw new Error(["a", "b", "c", "d"][n - 1]) }';
    expect(last(batchx(['map', each], numbers(4)))).toBe('batchx: 4 items read: 4 failed (4 expression)');
  });

  it('show ten causes, and count the others', () => {
    const each = '(n) => { throw new Error(String.fromCharCode(96 + n % 13)) }';
    const lines = batchx(['map', each], numbers(30)).stderr.trimEnd().split('\n');
    expect(lines.slice(11)).toEqual([
      'batchx: 30 items read: 30 failed',
      ...Array.from('abcd', (letter, n) => `  3 expression: ${letter} - e.g. stdin:${n + 1}`),
      ...Array.from('efghij', (letter, n) => `  2 expression: ${letter} - e.g. stdin:${n + 5}`),
      '  6 for other causes',
    ]);
  });

  it('say how just they run again, and that command does it', () => {
    file('rows.jsonl', jsonl({ id: 1 }, { id: 2, total: 3 }, { id: 3 }));
    const args = "-j 2 --limit 9 --failed \"it's.jsonl\" '({ total }) => total.x.y' rows.jsonl";
    const { stderr } = bash(`batchx map ${args}`);
    const [, command = ''] = /^batchx: to run just the 3 that failed again: (.*)$/m.exec(stderr) ?? [];
    expect(command).toBe(`batchx map -j 2 --failed 'it'\\''s.jsonl' '({ total }) => total.x.y' 'it'\\''s.jsonl'`);
    const again = bash(command);
    expect(again.stderr).toContain('batchx: rows.jsonl:3: TypeError');
    expect(again.stderr).toContain('batchx: 3 items read: 3 failed (3 expression)\n');
    expect(readFileSync(join(folder, "it's.jsonl"), 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it.each([
    [['data.x.y', ':::', 'a'], 'to run the one that failed again: batchx map --failed f.jsonl data.x.y f.jsonl'],
    [['-kj4', 'data.x.y'], 'again: batchx map --failed f.jsonl -kj4 data.x.y f.jsonl'],
    [['-kj', '4', 'data.x.y'], 'again: batchx map --failed f.jsonl -kj 4 data.x.y f.jsonl'],
    [['--out=csv', 'data.x.y', '-'], 'again: batchx map --failed f.jsonl --out=csv data.x.y f.jsonl'],
    [['--', '-data.x.y'], 'again: batchx map --failed f.jsonl -- -data.x.y f.jsonl'],
    [['data.x\n.y'], 'what failed is in f.jsonl: give it as input, and just the 2 that failed will run again'],
  ])('say so for %j', (args, says) => {
    expect(last(batchx(['map', '--failed', 'f.jsonl', ...args], '1\n2\n'))).toContain(says);
  });

  it('say nothing of it where there is no such file', () => {
    expect(batchx(['map', 'data', '--failed', 'g.jsonl'], '1\n').stderr).toBe('');
    expect(batchx(['map', 'data', '--failed', '/dev/full'], 'x\n').stderr).not.toContain('again');
  });

  itNeeds(
    'tmux',
    'are a screen of lines that are not broken, and nothing in them is done by the terminal',
    async () => {
      file('wild.jsonl', `${'{"n":"\\u001b[31m\\u202ered"}\n'.repeat(20)}${'[1\n'.repeat(7)}`);
      const expression =
        '({ n }) => { throw new Error(`no ${n} in a message that is longer than the screen is wide`) }';
      const terminal = await Terminal.running(`batchx map '${expression}' wild.jsonl > /dev/null`, 70);
      const { screen, code } = await terminal.ended();
      await terminal.end();
      expect(code).toBe(1);
      const lines = screen.split('\n').slice(-3);
      expect(lines[0]).toBe('batchx: 27 items read: 27 failed');
      expect(lines[1]).toMatch(/^ {2}20 expression: no \\u001b\[….*\.\.\. - e\.g\. wild\.jsonl:1$/);
      expect(lines[2]).toMatch(/^ {3}7 parse: not JSON: .* - e\.g\. wild\.jsonl:21/);
      for (const line of lines) expect(line.length).toBeLessThan(70);
    },
  );
});
