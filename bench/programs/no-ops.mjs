// The same asynchronous calls by p-map and by mapConcurrent: each kind that is named once per round, in turn. Prints
// the milliseconds that each took, and its processor time.
import { mapConcurrent, pull } from 'batchx';
import pMap from 'p-map';
import { Subject } from 'rxjs';

const [rounds, count, cap] = process.argv.slice(2, 5).map(Number);
const kinds = process.argv.slice(5);
const times = Object.fromEntries(kinds.map((kind) => [kind, []]));
let calls = 0;
const call = async (value) => {
  calls++;
  return value;
};

for (let round = 0; round < rounds; round++) {
  for (const kind of kinds) {
    calls = 0;
    const [from, cpuFrom] = [performance.now(), process.cpuUsage()];
    const sum = kind === 'p-map' ? await byPMap() : await byMapConcurrent(kind);
    const { user, system } = process.cpuUsage(cpuFrom);
    times[kind].push({ wall: (performance.now() - from) / 1000, cpu: (user + system) / 1e6 });
    if (calls !== count || sum !== (count * (count - 1)) / 2) {
      throw new Error(`${kind}: expected ${count} calls and each result once, got ${calls} calls and the sum ${sum}`);
    }
  }
}
console.log(JSON.stringify(times));

async function byPMap() {
  const results = await pMap(numbers(), call, { concurrency: cap });
  return results.reduce((total, value) => total + value, 0);
}

function byMapConcurrent(kind) {
  const changing = kind === 'changing cap';
  const caps = new Subject();
  return new Promise((resolve, reject) => {
    let seen = 0;
    let total = 0;
    pull(blocks)
      .pipe(mapConcurrent(call, { concurrency: changing ? caps : cap, ordered: kind === 'ordered' }))
      .subscribe({
        next(value) {
          total += value;
          if (changing && ++seen % (count / 100) === 0) caps.next(seen % (count / 50) === 0 ? cap : cap / 2);
        },
        error: reject,
        complete: () => resolve(total),
      });
    caps.next(cap);
  });
}

function* numbers() {
  for (let i = 0; i < count; i++) yield i;
}

function* blocks() {
  for (let i = 0; i < count; i += 1000) {
    const block = [];
    for (let j = i; j < i + 1000; j++) block.push(j);
    yield block;
  }
}
