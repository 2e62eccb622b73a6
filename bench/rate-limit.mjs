import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { program } from './lib/batchx.mjs';
import { measure } from './lib/process.mjs';
import { atLeast, atMost } from './lib/report.mjs';

const LIMIT = 1000;

/**
 * Calls to a server that refuses more than 1,000 in any second as it sees them: all of its rate, and no refusal.
 *
 * The limiter leaves 10 ms in a second for the way to the server. A process that the machine does not let run for longer
 * than that sees a burst where there was none, so both run before all others, where the system allows that.
 */
export default {
  title: `${LIMIT} calls a second, 50 at once, to a server that refuses more in any second`,
  async run({ quick }) {
    const count = (quick ? 2 : 20) * LIMIT;
    const urgent = spawnSync('chrt', ['-f', '50', 'true']).status === 0 ? ['chrt', '-f', '50'] : [];
    const [command, ...args] = [...urgent, ...program('rate-server'), String(LIMIT)];
    const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    try {
      const { value: port } = await lines.next();
      const [caller, ...calls] = [...urgent, ...program('limited-calls'), port, String(count), `${LIMIT}/s`];
      const result = await measure(caller, calls);
      server.kill();
      const { accepted, refused, from, to, closest } = JSON.parse((await lines.next()).value);
      if (accepted + refused !== count) throw new Error(`expected ${count} calls, got ${accepted + refused}`);
      const rate = ((accepted - 1) * 1000) / (to - from);
      const shared = urgent.length > 0 ? '' : ', without priority';
      result.note = `${rate.toFixed(1)}/s, ${LIMIT} arrived in no less than ${closest.toFixed(1)} ms${shared}`;
      return {
        results: { 'rateLimit(limiter)': result },
        goals: [
          atMost('calls that the server refused', refused, 0, ''),
          atLeast(`of the ${LIMIT}/s that it lets through`, (100 * rate) / LIMIT, 98, '%'),
        ],
      };
    } finally {
      server.kill();
    }
  },
};
