/**
 * Updates prices by an API that takes 50 calls a second, refuses what is more, and is down for a while: with a rate limit,
 * a breaker and retries, so that every price gets there and nothing is refused.
 *
 *   npm run example -- prices [rows.jsonl [updated.jsonl]]
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Breaker,
  count,
  createRuntime,
  aggregate,
  jsonl,
  Limiter,
  responseError,
  step,
  toFailed,
  toJsonl,
} from 'batchx';
import { lastValueFrom } from 'rxjs';

const [input = 'examples/data/packages.jsonl', output = join(tmpdir(), 'prices.jsonl')] = process.argv.slice(2);

interface Package {
  readonly name: string;
  readonly bytes: number;
}

const runtime = createRuntime();
const { shop, url, seen } = await startShop();

/** Shared by all calls: never more than 50 of them start in any second. */
const limiter = new Limiter('50/s', runtime);
/** Pauses the calls while at least half of the last twenty fail. Real services deserve the 30 s that it waits unless told. */
const breaker = new Breaker({ open: '300ms' }, runtime);
breaker.on(({ from, to, reason }) => console.log(`breaker: ${from} -> ${to} (${reason})`));
runtime.events.on('batch:attempt', () => void (seen.retries += 1));

/** One call. What it throws says by its class whether trying again may help: `responseError` reads that from the answer. */
async function setPrice({ name, bytes }: Package, signal: AbortSignal): Promise<{ name: string; price: number }> {
  const price = Math.ceil(bytes / 1000) / 100;
  const answer = await fetch(`${url}/${encodeURIComponent(name)}`, {
    method: 'PUT',
    body: JSON.stringify({ price }),
    signal,
  });
  if (!answer.ok) throw await responseError(answer, { method: 'PUT' });
  await answer.body?.cancel();
  return { name, price };
}

try {
  const updated = jsonl<Package>(input, {}, runtime).pipe(
    step(
      (row, _item, { signal }) => setPrice(row, signal),
      {
        concurrency: 8,
        timeout: '5s',
        rate: limiter,
        breaker,
        retry: { retries: 4, initial: '50ms' },
      },
      runtime,
    ),
    toJsonl(output, runtime),
    toFailed(`${output}.failed`, runtime),
    aggregate({ updated: count() }),
  );
  const result = await lastValueFrom(updated);
  console.log(`${result.updated} prices updated, ${seen.retries} retries, ${seen.down} calls while it was down`);
  console.log(`${seen.refused} refused for being too many; the answers are in ${output}`);
} finally {
  shop.close();
}

/** A shop on this machine that means its limit, and is down from its 60th call on, for half a second. */
async function startShop() {
  const seen = { retries: 0, refused: 0, down: 0 };
  const starts: number[] = [];
  let calls = 0;
  let downUntil = 0;
  const shop: Server = createServer((request, response) => {
    request.resume();
    const now = performance.now();
    while (starts.length > 0 && now - (starts[0] as number) >= 1000) starts.shift();
    if (++calls === 60) downUntil = now + 500;
    if (starts.length >= 50) {
      seen.refused++;
      response.writeHead(429, { 'retry-after': '1' }).end();
    } else if (now < downUntil) {
      seen.down++;
      response.writeHead(503).end('be right back');
    } else {
      starts.push(now);
      response.writeHead(204).end();
    }
  });
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  return { shop, url: `http://127.0.0.1:${(shop.address() as AddressInfo).port}`, seen };
}
