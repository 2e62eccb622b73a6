import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

/** A folder of its own for the test that runs, gone when it is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'batchx-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** The path of a file with this content, in a folder of its own. A name that ends in `.gz` has it packed. */
export function fixture(content: string | Uint8Array, name = 'in.jsonl'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(content) : content);
  return path;
}
