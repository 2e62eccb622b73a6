import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fakeRuntime } from 'batchx/testing';
import { useOutput } from '../../src/core/in-use.js';
import { temporaryFolder } from '../contract/temp.js';

it('waits for a file that is being closed, and is not hindered when that fails', async () => {
  const runtime = fakeRuntime();
  const path = join(temporaryFolder(), 'out');
  const end = await useOutput(path, runtime);
  const seen: string[] = [];
  const closed = end(async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    seen.push('closed');
    throw new Error('disk full');
  }).catch((error: unknown) => String(error));
  const next = await useOutput(path, runtime);
  seen.push('open');
  expect([await closed, seen]).toEqual(['Error: disk full', ['closed', 'open']]);
  await expect(useOutput(path, runtime)).rejects.toThrow('is being written');
  await expect(useOutput(path, fakeRuntime())).resolves.toBeTypeOf('function');
  await next(() => undefined);
  await expect(useOutput(path, runtime)).resolves.toBeTypeOf('function');
});
