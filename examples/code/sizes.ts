/**
 * Runs a command for every file below a folder, several at once, and makes three things of the answers: a small file for
 * each, one table of all, and the sum at the end.
 *
 *   npm run example -- sizes ['pattern' [output folder]]
 */
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aggregate, exec, type FileEntry, files, groupBy, mapItems, stats, toCsv, toFailed, toFiles } from 'batchx';
import { lastValueFrom } from 'rxjs';

const [pattern = 'src/**/*.ts', output = join(tmpdir(), 'batchx-sizes')] = process.argv.slice(2);

mkdirSync(output, { recursive: true });

interface Size {
  readonly file: string;
  readonly folder: string;
  readonly lines: number;
  readonly words: number;
}

const sizes = files(pattern, { exclude: '**/*.d.ts' }).pipe(
  // No shell is between: a file may be called `$(rm -rf ~)`. A command that takes ten times as long as most is ended.
  exec('wc -lw {}', { concurrency: 4, timeout: '1000%' }),
  // The data are what the command wrote; `item.first` is the item as the source gave it.
  mapItems((text, item): Size => {
    const { relative, dir } = item.first?.data as FileEntry;
    const [lines = 0, words = 0] = String(text).trim().split(/\s+/).map(Number);
    return { file: relative, folder: dir, lines, words };
  }),
  // Each file is there whole or not at all, and none of them can get out of its folder, whatever it is called.
  toFiles(join(output, 'files'), { path: ({ file }) => `${file}.json`, onExists: 'overwrite' }),
  toCsv(join(output, 'sizes.csv')),
  toFailed(join(output, 'failed.jsonl')),
  aggregate({
    lines: stats((size) => size.lines),
    folders: groupBy((size) => size.folder, { lines: stats((size) => size.lines) }),
  }),
);

const { lines, folders } = await lastValueFrom(sizes);
for (const { key, lines: of } of folders)
  console.log(`${String(of.sum).padStart(7)} lines in ${String(of.count).padStart(3)} files of ${String(key)}`);
console.log(`${lines.sum} lines in ${lines.count} files, half of them up to ${lines.p50}`);
console.log(`the table is in ${join(output, 'sizes.csv')}`);
