/**
 * Asks a service about each row: two calls at once while it warms up, eight from the hundredth answer on. Rows for
 * which it has no answer are kept, and a second pass asks for just those again.
 *
 *   npm run example -- enrich [rows.jsonl [answers.jsonl]]
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonl, mapItems, type Outcome, toFailed, toJsonl } from 'batchx';
import { BehaviorSubject, lastValueFrom, type Observable, reduce } from 'rxjs';

const [input = 'examples/data/packages.jsonl', output = join(tmpdir(), 'enriched.jsonl')] = process.argv.slice(2);
const failed = `${output}.failed`;

interface Package {
  readonly name: string;
  readonly version: string;
}

type Counts = Readonly<Record<string, number>>;

const { service, url } = await startService();
/** How many calls may run at once. What it says last holds; calls that run are never cut short. */
const concurrency = new BehaviorSubject(2);
let answers = 0;

async function ask(name: string, signal: AbortSignal): Promise<{ letters: number }> {
  const response = await fetch(`${url}/${encodeURIComponent(name)}`, { signal });
  if (++answers === 100) concurrency.next(8);
  if (response.ok) return (await response.json()) as { letters: number };
  await response.body?.cancel();
  throw new Error(`the service answered ${response.status} for ${name}`);
}

/** One pass: answers to one file, what failed to another. Emits how many items ended in which way. */
const pass = (from: string, to: string): Observable<Counts> =>
  jsonl<Package>(from).pipe(
    mapItems(
      // The signal of the slot fires when nobody wants the answer any more.
      async ({ name, version }, _item, slot) => ({ name, version, ...(await ask(name, slot.signal)) }),
      { concurrency, ordered: true },
    ),
    toJsonl(to),
    toFailed(failed),
    reduce((counts: Counts, { status }: Outcome) => ({ ...counts, [status]: (counts[status] ?? 0) + 1 }), {}),
  );

try {
  console.log('first pass:', await lastValueFrom(pass(input, output)));
  // A dead letter that is read again is the item that it was: with its id, and its data as it was before the call.
  // What fails once more is in the same file in the end, and if nothing does, the file is gone.
  console.log('second pass:', await lastValueFrom(pass(failed, `${output}.rest`)));
  console.log(`the answers are in ${output} and ${output}.rest`);
} finally {
  service.close();
}

/** A service on this machine that is too busy for every tenth name when it hears it first. */
async function startService(): Promise<{ service: Server; url: string }> {
  const heard = new Set<string>();
  const service = createServer(({ url: path = '' }, response) => {
    const isNew = !heard.has(path);
    heard.add(path);
    const busy = isNew && heard.size % 10 === 0;
    response.writeHead(busy ? 503 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ letters: decodeURIComponent(path).length - 1 }));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  return { service, url: `http://127.0.0.1:${(service.address() as AddressInfo).port}` };
}
