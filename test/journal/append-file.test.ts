import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AppendFile } from '../../src/journal/append-file.js';
import { JournalFile } from '../../src/journal/journal-file.js';
import { ResultsFile } from '../../src/journal/results-file.js';
import { temporaryFolder } from '../contract/temp.js';

function openedFile(): AppendFile {
  const path = join(temporaryFolder(), 'lines');
  return new AppendFile(openSync(path, 'a+'), path, 'power');
}

it('holds lines until they are written, and knows where each will begin', async () => {
  const file = openedFile();
  file.add('{"a":1');
  const first = file.end;
  file.addText('text\n');
  expect([file.size, file.held, readFileSync(file.path, 'utf8')]).toEqual([0, file.end, '']);
  expect(await file.sync()).toBe(file.end);
  expect(readFileSync(file.path, 'utf8').slice(first)).toBe('text\n');
  expect(file.held).toBe(0);
  file.close();
});

it('writes nothing more once the system has not taken all, as a part of a line may stand there', () => {
  const path = '/dev/full';
  const file = new AppendFile(openSync(path, 'a+'), path, 'power');
  file.add('{"a":1');
  const written = (): void => {
    file.write();
  };
  expect(written).toThrow(/\/dev\/full/);
  // There is nothing to write any more, and still it is not well.
  expect(written).toThrow(/\/dev\/full/);
  file.close();
});

it('reads again the results that were written, be they held, long, or of any characters', () => {
  const file = openedFile();
  const results = new ResultsFile(file);
  const texts = ['', 'a', '€😀\u0000\n', 'x'.repeat(2_000_000), 'ü'.repeat(4096)];
  const places = texts.map((text, i) =>
    results.add({ k: 'k', f: 'f', s: 's', q: i - 1, id: String(i) }, undefined, JSON.stringify({ text })),
  );
  for (const i of [4, 3, 0, 1, 2, 3])
    expect(results.read(places[i] as number)).toMatchObject({
      k: 'k',
      f: 'f',
      s: 's',
      q: i - 1,
      id: String(i),
      d: { text: texts[i] },
    });
  file.close();
});

it('refuses a place where no whole line is, and says what to do', () => {
  const file = openedFile();
  const results = new ResultsFile(file);
  results.add({ k: 'k', f: 'f', s: 's', q: -1, id: '1' }, undefined, '1');
  for (const place of [1, file.end, 10_000])
    expect(() => results.read(place)).toThrow(
      expect.objectContaining({
        code: 'locked',
        message: expect.stringContaining('`batchx repair`') as unknown,
      }) as Error,
    );
  file.close();
});

it('says of a record of the journal that it is on the disk only when it is, also of one that came while others were brought there', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'journal.jsonl');
  const journal = new JournalFile(openSync(path, 'a+'), path, 0, 'power');
  journal.append({ t: 'folder', path: 'a' });
  const first = journal.sync();
  journal.append({ t: 'folder', path: 'b' });
  await first;
  await journal.sync();
  expect(readFileSync(path, 'utf8')).toContain('"path":"b"');
  journal.close();
});
