/**
 * Finds a word in the text files of a folder and writes the lines that have it into files of at most 20 lines: with a
 * source, a step, an operator and a sink of its own, and what batchx has in between.
 *
 *   npm run example -- custom [folder [word [output folder]]]
 */
import { mkdir, opendir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Account,
  batch,
  createRuntime,
  filterItems,
  type Item,
  type Outcome,
  pull,
  split,
  step,
  toItems,
  toSink,
} from 'batchx';
import { defer, lastValueFrom, map, type MonoTypeOperatorFunction, type Observable, type OperatorFunction } from 'rxjs';

const [folder = 'src', word = 'promise', output = join(tmpdir(), 'batchx-custom')] = process.argv.slice(2);

interface Line {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/**
 * A source: the paths of all files in a folder, a block for each folder, as far as somebody below has room. When the
 * subscription ends, the generator ends with it, and so does the open folder.
 */
const filesIn = (root: string): Observable<string> =>
  pull(async function* () {
    for (const folders = [root]; folders.length > 0;) {
      const at = folders.pop() as string;
      const files: string[] = [];
      for await (const entry of await opendir(at)) {
        if (entry.isDirectory()) folders.push(join(at, entry.name));
        else if (entry.isFile()) files.push(join(at, entry.name));
      }
      yield files.sort();
    }
  });

interface Text {
  readonly file: string;
  readonly text: string;
}

/**
 * A step: reads a file, and is tried as all steps are. What is not UTF-8 throws, and only its item fails; the signal of
 * the slot fires when the attempt has taken too long, or nobody wants it any more.
 */
const readText = (): OperatorFunction<Item<string>, Item<Text>> =>
  step(
    async (file: string, _item, { signal }): Promise<Text> => {
      const bytes = await readFile(file, { signal });
      return { file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    },
    { concurrency: 8, ordered: true, timeout: '10s' },
    runtime,
  );

/** The lines of a file, one at a time: those that nobody has room for are not made yet. */
function* linesOf({ file, text }: Text): Generator<Line> {
  let line = 1;
  for (const each of text.split('\n')) yield { file, line: line++, text: each.trim() };
}

/**
 * An operator: of items that follow each other with one key, lets only the first few go on. It skips the others and
 * does not drop them, so that every item is accounted for. Its state is made for each subscription, by `defer`.
 */
const fewInARow =
  <T>(most: number, key: (data: T) => string): MonoTypeOperatorFunction<Item<T>> =>
  (items) =>
    defer(() => {
      let current: string | undefined;
      let seen = 0;
      return items.pipe(
        map((item) => {
          if (!item.live) return item;
          if (key(item.data) !== current) {
            current = key(item.data);
            seen = 0;
          }
          return ++seen > most ? item.skip('filtered') : item;
        }),
      );
    });

/** A sink: a file for each item, which is a batch here. It is given a few at a time, and waited for. */
function toParts(into: string): OperatorFunction<Item<Line[]>, Outcome<Line[]>> {
  let parts = 0;
  return toSink(
    async () => {
      await mkdir(into, { recursive: true });
      return {
        async write(items) {
          for (const { data } of items) {
            const rows = data.map(({ file, line, text }) => `${file}:${line}: ${text}\n`);
            await writeFile(join(into, `part-${++parts}.txt`), rows.join(''));
          }
        },
        close: () => console.log(`wrote ${parts} files`),
      };
    },
    { runtime },
  );
}

/** The world that the parts share, and the account that is kept of it. */
const runtime = createRuntime();
const account = new Account(runtime.events);

const found = filesIn(folder).pipe(
  toItems(runtime),
  readText(),
  split(linesOf, runtime),
  filterItems(({ text }) => text.includes(word)),
  fewInARow(3, ({ file }) => file),
  batch({ size: 20 }, runtime),
  toParts(output),
);

await lastValueFrom(found, { defaultValue: undefined });
// One item for each file that was read: ok with a line that was found, skipped without, failed if it is not text.
console.log(account.counts);
