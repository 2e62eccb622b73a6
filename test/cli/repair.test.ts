import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { batchx, file, folder, jsonl } from './program.js';

const at = (name: string): string => join(folder, '.batchx/mended', name);

function damage(name: string, place: number): void {
  const bytes = readFileSync(at(name));
  const byte = place < 0 ? bytes.length + place : place;
  bytes[byte] = (bytes[byte] as number) ^ 1;
  writeFileSync(at(name), bytes);
}

it('goes on with what can be read of a job that is damaged, and does the rest again', () => {
  const rows = Array.from({ length: 800 }, (_, id) => ({ id }));
  file('mended.jsonl', jsonl(...rows));
  const out = join(folder, 'mended.out');
  file(
    'mended.yaml',
    `input: { jsonl: mended.jsonl }\nsteps: [{ map: '{ twice: data.id * 2 }' }]\noutput: [{ jsonl: ${out} }]\n`,
  );
  const run = () => batchx(['run', 'mended.yaml', '--job', 'mended']);
  const repair = () => batchx(['repair', 'mended']);
  const lines = (): string[] => readFileSync(out, 'utf8').trim().split('\n').sort();
  expect(run().ended).toBe(0);
  const whole = lines();
  expect(whole).toHaveLength(800);
  expect(repair()).toMatchObject({ ended: 0, stdout: 'mended: there is nothing to repair\n' });

  damage('results.jsonl', 30);
  expect(repair()).toMatchObject({ ended: 0, stdout: expect.stringContaining('left out 1 line of results') as string });
  expect(run().stderr).toContain('799 done');
  expect(lines()).toEqual(whole);

  damage('snapshot', -50);
  const refused = run();
  expect([refused.ended, refused.stderr]).toEqual([6, expect.stringContaining('`batchx repair`')]);
  expect(repair()).toMatchObject({ ended: 0, stdout: expect.stringContaining('left out the snapshot') as string });
  expect(readdirSync(at('.'))).toContain('snapshot.damaged-1');
  expect(run().ended).toBe(0);
  expect(lines()).toEqual(whole);
});
