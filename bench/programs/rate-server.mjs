// An HTTP server that refuses more than so many requests in any second, by when they arrive. Prints its port, and what
// came when it is told to end.
import { createServer } from 'node:http';

const limit = Number(process.argv[2]);
/** When the last ones arrived that were let in. */
const times = new Float64Array(limit).fill(-Infinity);
const told = { accepted: 0, refused: 0, from: 0, to: 0, closest: Infinity };

const server = createServer((_request, response) => {
  const now = performance.now();
  const at = told.accepted % limit;
  const window = now - times[at]; // since the one so many before
  told.closest = Math.min(told.closest, window);
  if (window < 1000) {
    told.refused++;
    response.writeHead(429, { 'retry-after': '1' }).end();
    return;
  }
  if (told.accepted++ === 0) told.from = now;
  told.to = now;
  times[at] = now;
  response.end('ok');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.on('SIGTERM', () => {
  console.log(JSON.stringify(told));
  process.exit();
});
