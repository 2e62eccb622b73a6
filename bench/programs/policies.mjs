// The same asynchronous calls by a bare mapConcurrent and by a step whose four policies need not wait: in turn, so that
// none is measured before it is compiled. Prints the seconds that each took.
import { Item, mapConcurrent, pull, step } from 'batchx';

const [rounds, count, cap] = process.argv.slice(2, 5).map(Number);
let calls = 0;
const call = async (value) => {
  calls++;
  return value;
};
const limit = { limit: 1e9, per: '1s', burst: 1e9 };
const kinds = {
  bare: mapConcurrent(({ data }) => call(data), cap),
  'a step': step(call, { concurrency: cap }),
  'four policies': step(call, { concurrency: cap, timeout: '1h', rate: limit, breaker: true, retry: 3 }),
};
const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
for (let round = 0; round < rounds; round++) {
  for (const [kind, operator] of Object.entries(kinds)) {
    calls = 0;
    const from = performance.now();
    const [seen, sum] = await run(operator);
    times[kind].push((performance.now() - from) / 1000);
    if (calls !== count || seen !== count || sum !== (count * (count - 1)) / 2) {
      throw new Error(`${kind}: expected ${count} calls and each result once, got ${calls} calls and the sum ${sum}`);
    }
  }
}
console.log(JSON.stringify(times));

function run(operator) {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let sum = 0;
    pull(blocks)
      .pipe(operator)
      .subscribe({
        next(result) {
          seen++;
          sum += typeof result === 'number' ? result : result.data;
        },
        error: reject,
        complete: () => resolve([seen, sum]),
      });
  });
}

function* blocks() {
  for (let i = 0; i < count; i += 1000) {
    const block = [];
    for (let j = i; j < i + 1000; j++) block.push(Item.of(j, { seq: j }));
    yield block;
  }
}
