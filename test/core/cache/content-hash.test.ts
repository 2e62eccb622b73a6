import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { contentHash } from '../../../src/core/cache/content-hash.js';

function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), 'batchx-content-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

it('goes by what is in a file, whatever it is called', async () => {
  const dir = temporary();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(dir, name)) as [string, string, string];
  writeFileSync(a, 'same'.repeat(100_000));
  writeFileSync(b, 'same'.repeat(100_000));
  writeFileSync(c, 'same'.repeat(100_000) + '!');
  const hashes = [await contentHash(a), await contentHash(Buffer.from(b)), await contentHash(c)];
  expect(hashes[0]).toMatch(/^[\da-f]{64}$/);
  expect(hashes[1]).toBe(hashes[0]);
  expect(hashes[2]).not.toBe(hashes[0]);
});

it('knows nothing of what is no file', async () => {
  const dir = temporary();
  expect([await contentHash(dir), await contentHash(join(dir, 'none')), await contentHash('a\0b')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it('leaves what somebody writes to a pipe to its reader', async () => {
  const pipe = join(temporary(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const writer = spawn('sh', ['-c', 'echo waiting; echo text > "$1"', 'sh', pipe]);
  onTestFinished(() => void writer.kill());
  await new Promise((said) => writer.stdout.once('data', said));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await contentHash(pipe)).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(execFileSync('timeout', ['1', 'cat', pipe], { encoding: 'utf8' })).toBe('text\n');
});
