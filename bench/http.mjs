import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { program } from './lib/batchx.mjs';
import { measure } from './lib/process.mjs';
import { atLeast } from './lib/report.mjs';
import { median } from './lib/rounds.mjs';

const CAP = 50;

/** What the step costs over the client that it uses, with JSON bodies parsed by both. */
export default {
  title: `requests over HTTP, ${CAP} at once, with rate, retry and breaker armed; against a bare loop over Pool.request`,
  async run({ quick }) {
    const count = quick ? 5000 : 50_000;
    const [command, ...args] = program('json-server');
    const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const { value: port } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
      const [client, ...calls] = [...program('http-requests'), port, String(quick ? 3 : 7), String(count), String(CAP)];
      const { output } = await measure(client, calls);
      const results = {};
      for (const [kind, runs] of Object.entries(JSON.parse(output))) {
        const [wall, cpu] = ['wall', 'cpu'].map((field) => median(runs.map((run) => run[field])));
        results[kind] = { wall, cpu, note: `${Math.round(count / wall).toLocaleString('en')}/s` };
      }
      const ratio = results['Pool.request'].wall / results['http, with rate and retry'].wall;
      return { results, goals: [atLeast('of the rate of Pool.request', ratio, 0.7)] };
    } finally {
      server.kill();
    }
  },
};
