import { spawn, spawnSync } from 'node:child_process';
import { closeSync, createReadStream, openSync, rmSync } from 'node:fs';
import { batchx } from './lib/batchx.mjs';
import { orders, scratch } from './lib/data.mjs';
import { measure } from './lib/process.mjs';
import { atMost } from './lib/report.mjs';

const PAUSE_S = 3;
const keep = '({ id, sku, total }) => ({ id, sku, total })';

/** A reader that is slow to begin: `batchx map ... | (sleep 3; cat)`. What is read is written, all of it, in little memory. */
export default {
  title: `JSONL into a pipe whose reader sleeps ${PAUSE_S} s before it reads: memory; a reader that does not sleep beside it`,
  async run({ quick }) {
    const count = quick ? 100_000 : 1_000_000;
    const input = orders(count);
    const results = {
      'slow reader': await into(`sleep ${PAUSE_S}; cat`, input),
      'quick reader': await into('cat', input),
    };
    const lines = await Promise.all(Object.values(results).map(({ file }) => countLines(file)));
    if (lines.some((found) => found !== count))
      throw new Error(`expected ${count} lines from each, got ${lines.join(' and ')}`);
    console.log(`  both wrote ${count} rows`);
    return { results, goals: [atMost('peak memory', results['slow reader'].peak, 150, 'MB')] };
  },
};

/** Runs batchx into a named pipe: each side is a process of its own, as in a shell, and ours can be measured. */
async function into(reader, input) {
  const pipe = scratch('slow-reader.pipe');
  const file = scratch('slow-reader.out');
  rmSync(pipe, { force: true });
  if (spawnSync('mkfifo', [pipe]).status !== 0) throw new Error('there is no mkfifo here');
  const out = openSync(file, 'w');
  const consumer = spawn('sh', ['-c', `exec < ${JSON.stringify(pipe)}; ${reader}`], {
    stdio: ['ignore', out, 'inherit'],
  });
  const done = new Promise((resolve) => consumer.on('close', resolve));
  closeSync(out);
  const end = openSync(pipe, 'w'); // waits for the reader to open its end
  const [command, ...args] = [...batchx, 'map', keep, input];
  const run = measure(command, args, { stdio: ['ignore', end, 'inherit'], onStart: () => closeSync(end) });
  const result = await run;
  await done;
  rmSync(pipe);
  return { ...result, file };
}

async function countLines(path) {
  let lines = 0;
  for await (const chunk of createReadStream(path)) for (const byte of chunk) if (byte === 10) lines++;
  return lines;
}
