// So many calls to a server of this machine, 50 at once, each with a permit of one limiter.
import { Agent, get } from 'node:http';
import { Limiter, mapConcurrent, pull, rateLimit } from 'batchx';
import { defer, lastValueFrom } from 'rxjs';

const [port, count, rate] = process.argv.slice(2);
const limiter = new Limiter(rate);
const agent = new Agent({ keepAlive: true, maxSockets: 50 });
const url = `http://127.0.0.1:${port}/`;

const call = () =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });

await lastValueFrom(
  pull(function* () {
    for (let n = 0; n < Number(count); n++) yield [n];
  }).pipe(mapConcurrent(() => defer(call).pipe(rateLimit(limiter)), 50)),
);
agent.destroy();
