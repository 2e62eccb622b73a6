// The same requests by a bare loop over undici's `Pool.request` and by the `http` operator with rate, retry and breaker:
// in turn, so that none is measured before it is compiled. Prints the seconds that each took, and of the processor.
import { http, Item, pull } from 'batchx';
import { Pool } from 'undici';

const [port, rounds, count, cap] = process.argv.slice(2, 6).map(Number);
const origin = `http://127.0.0.1:${port}`;
const pool = new Pool(origin, { connections: cap, pipelining: 1 });
const limit = { limit: 1e9, per: '1s', burst: 1e9 };
const kinds = {
  'Pool.request': bare,
  'http, as it is': () => run(http(`${origin}/items/{{ id }}`, { concurrency: cap })),
  'http, with rate and retry': () => run(http(`${origin}/items/{{ id }}`, { concurrency: cap, rate: limit, retry: 3 })),
};
const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
for (let round = 0; round < rounds; round++) {
  for (const [kind, work] of Object.entries(kinds)) {
    const from = performance.now();
    const before = process.cpuUsage();
    const [seen, sum] = await work();
    const { user, system } = process.cpuUsage(before);
    times[kind].push({ wall: (performance.now() - from) / 1000, cpu: (user + system) / 1e6 });
    if (seen !== count || sum !== 12345 * count) throw new Error(`${kind}: ${seen} results, the sum is ${sum}`);
  }
}
console.log(JSON.stringify(times));
process.exit(0);

async function bare() {
  let next = 0;
  let seen = 0;
  let sum = 0;
  const worker = async () => {
    while (next < count) {
      const { statusCode, body } = await pool.request({ path: `/items/${next++}`, method: 'GET' });
      const { id } = await body.json();
      if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
      seen++;
      sum += id;
    }
  };
  await Promise.all(Array.from({ length: cap }, worker));
  return [seen, sum];
}

function run(operator) {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let sum = 0;
    pull(blocks)
      .pipe(operator)
      .subscribe({
        next({ data, error }) {
          if (error !== undefined) throw error;
          seen++;
          sum += data.id;
        },
        error: reject,
        complete: () => resolve([seen, sum]),
      });
  });
}

function* blocks() {
  for (let i = 0; i < count; i += 1000) {
    const block = [];
    for (let j = i; j < Math.min(count, i + 1000); j++) block.push(Item.of({ id: j }, { seq: j }));
    yield block;
  }
}
