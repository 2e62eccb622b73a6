import { spawn } from 'node:child_process';
import { batchx, program } from './lib/batchx.mjs';
import { orders } from './lib/data.mjs';
import { measure } from './lib/process.mjs';
import { atLeast, atMost } from './lib/report.mjs';

const CAP = 64;
const STEP_MS = 20;
const FULL = (CAP / STEP_MS) * 1000;

/** A slow asynchronous step on a pipe of a million rows: the rate once it is steady, and the memory. */
export default {
  title: `an asynchronous step of ${STEP_MS} ms, ${CAP} at once, on a pipe of 1 M rows; naive RxJS beside it`,
  async run({ quick }) {
    const input = orders(1_000_000);
    const seconds = quick ? 3 : 10;
    const step = `({ id }) => new Promise((resolve) => setTimeout(resolve, ${STEP_MS}, id))`;
    const results = {
      batchx: await steady([...batchx, 'map', '--quiet', '-j', String(CAP), step], input, seconds),
      'from(lines).pipe(mergeMap)': await steady(
        [...program('merge-map'), String(CAP), String(STEP_MS)],
        input,
        seconds,
      ),
      'a bare loop': await steady([...program('bare-loop'), String(CAP), String(STEP_MS)], input, seconds),
    };
    for (const result of Object.values(results)) result.note = `${Math.round(result.rate)} rows/s`;
    const { rate, peak } = results.batchx;
    return {
      results,
      goals: [
        atLeast(`of the ${FULL} rows/s that the cap allows`, (100 * rate) / FULL, 95, '%'),
        atMost('peak memory', peak, 100, 'MB'),
      ],
    };
  },
};

/** Pipes the rows in, lets it run up for a second, counts the ids that come out for some seconds, and ends it. */
async function steady([command, ...args], input, seconds) {
  const cat = spawn('cat', [input], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ids = new Set();
  let lines = 0;
  let rate;
  const result = await measure(command, args, {
    stdio: [cat.stdout, 'pipe', 'inherit'],
    onStart(child) {
      cat.stdout.destroy(); // ours is only a copy of the descriptor
      let rest = '';
      child.stdout.on('data', (text) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop();
        lines += parts.length;
        for (const id of parts) ids.add(id);
      });
      setTimeout(() => {
        const [from, at] = [lines, performance.now()];
        setTimeout(() => {
          rate = (lines - from) / ((performance.now() - at) / 1000);
          child.kill('SIGKILL');
        }, seconds * 1000);
      }, 1000);
    },
  });
  cat.kill();
  if (ids.size !== lines || !ids.has('0'))
    throw new Error(`expected each row once, got ${lines} lines with ${ids.size} ids`);
  return { ...result, rate };
}
