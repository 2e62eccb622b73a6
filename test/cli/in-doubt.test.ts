import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batchx, file, folder } from './program.js';

const letters = [
  '{"$batchx":"failed","outcome":"in-doubt","id":"a","metadata":{},"error":{"code":"http","message":"cut"},"data":1}',
  '{"$batchx":"failed","id":"b","metadata":{},"error":{"code":"http","message":"no"},"data":2}',
];

describe('dead letters of what may have been done', () => {
  const map = ['map', 'data * 10', 'letters.jsonl'];
  const exec = ['exec', 'echo', '-a', 'letters.jsonl'];

  it.each([
    ['map', map, '20\n', '10\n20\n'],
    ['exec', exec, '2\n', '1\n2\n'],
  ])('are left, counted and kept, unless %s is told to run them again', (_, args, without, all) => {
    file('letters.jsonl', `${letters.join('\n')}\n`);
    const { stdout, stderr, ended } = batchx([...args.slice(0, 1), '--failed', 'again.jsonl', ...args.slice(1)]);
    expect({ stdout, ended }).toEqual({ stdout: without, ended: 1 });
    const told =
      'it may have been done by an earlier run, so it is left in doubt; --retry-in-doubt runs it again. It had ended with: cut';
    expect(stderr).toContain(`batchx: a: ${told}\n`);
    expect(stderr).toContain('2 items read: 1 ok, 1 in doubt');
    // The line that is told does run it again.
    const [, line = ''] = /to run that again all the same: batchx (.*)$/m.exec(stderr) ?? [];
    expect(line).toMatch(args[0] === 'exec' ? /^retry exec-\w+ --in-doubt$/ : /^map --retry-in-doubt .*again\.jsonl/);
    expect(stderr).not.toContain('that failed again');
    expect(readFileSync(join(folder, 'again.jsonl'), 'utf8')).toBe(`${letters[0]}\n`);
    const again = batchx([...args.slice(0, 1), '--retry-in-doubt', '--keep-order', ...args.slice(1)]);
    expect(again).toEqual({ stdout: all, stderr: '', ended: 0 });
  });

  it('are not run again by the line that is told for what failed', () => {
    file('letters.jsonl', `${letters.join('\n')}\n`);
    const { stderr } = batchx(['map', 'data.x.y', 'letters.jsonl', '--retry-in-doubt', '--failed', 'again.jsonl']);
    expect(stderr).toContain('again.jsonl');
    expect(stderr).not.toContain('--retry-in-doubt');
  });
});
