import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { batchx, root } from './lib/batchx.mjs';
import { orders, scratch } from './lib/data.mjs';
import { measure } from './lib/process.mjs';
import { atMost } from './lib/report.mjs';
import { alternate } from './lib/rounds.mjs';
import { sameRows } from './lib/same.mjs';

/** What it costs to keep a job: of commands that do nothing, and of rows that only go through memory. */
export default {
  title: 'a job that is kept, against the same without one: `exec -j2 true`, and a pipeline of rows',
  async run({ quick }) {
    const [commands, rows] = quick ? [400, 100_000] : [4_000, 1_000_000];
    const folder = join(root, 'bench/data');
    mkdirSync(folder, { recursive: true });
    const values = join(folder, `values-${commands}.txt`);
    writeFileSync(values, Array.from({ length: commands }, (_, n) => `${n}\n`).join(''));
    const written = { kept: scratch('job-kept.out'), plain: scratch('job-plain.out') };
    const file = (name, output) => {
      const path = scratch(`job-${name}.json`);
      const steps = [{ map: '({ id, sku, total, qty }) => ({ id, sku, gross: total * qty })' }];
      writeFileSync(path, JSON.stringify({ name, input: { jsonl: orders(rows) }, steps, output: [{ jsonl: output }] }));
      return path;
    };
    const pipelines = { kept: file('kept', written.kept), plain: file('plain', written.plain) };
    const run = (...args) => measure(batchx[0], [batchx[1], ...args, '-q']);
    const results = await alternate(quick ? 1 : 5, {
      'exec, in a job': () => run('exec', '-j2', '-a', values, '--fresh', 'true'),
      'exec, without': () => run('exec', '-j2', '-a', values, '--no-journal', 'true'),
      'rows, in a job': () => run('run', pipelines.kept, '--fresh'),
      'rows, without': () => run('run', pipelines.plain, '--no-journal'),
    });
    console.log(`  both wrote the same ${await sameRows(written.kept, written.plain)} rows`);
    rmSync('.batchx/kept', { recursive: true, force: true });
    const slower = results['exec, in a job'].wall / results['exec, without'].wall;
    const more = (results['rows, in a job'].wall - results['rows, without'].wall) / rows;
    return {
      results,
      goals: [
        atMost('time of exec, of that without a job', slower, quick ? 2 : 1.1),
        atMost('more for each row', more * 1e6, quick ? 50 : 5, 'us'),
      ],
    };
  },
};
