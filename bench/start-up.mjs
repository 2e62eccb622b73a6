import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { batchx } from './lib/batchx.mjs';
import { scratch } from './lib/data.mjs';
import { measure } from './lib/process.mjs';
import { atMost } from './lib/report.mjs';
import { alternate } from './lib/rounds.mjs';

/** How long until there is something to see. */
export default {
  title: 'start-up, against `node -e 0`',
  async run({ quick }) {
    const pipe = scratch('start-up.pipe');
    rmSync(pipe, { force: true });
    if (spawnSync('mkfifo', [pipe]).status !== 0) throw new Error('there is no mkfifo here');
    const results = await alternate(quick ? 9 : 31, {
      'node -e 0': () => run([process.execPath, '-e', '0'], ''),
      'batchx --version': () => run([...batchx, '--version'], /^batchx \d/),
      'echo \'{"a":1}\' | batchx map data.a': () => firstRow(pipe),
    });
    rmSync(pipe);
    const [node, version, first] = Object.values(results);
    return {
      results,
      goals: [
        atMost('batchx --version, of bare node', version.wall / node.wall, 1.5),
        atMost('first row out of a pipe, of bare node', first.wall / node.wall, 2.1),
      ],
    };
  },
};

async function run([command, ...args], expected) {
  const result = await measure(command, args, { sample: false });
  if (!result.output.match(expected))
    throw new Error(`expected ${String(expected)} of ${command} ${args.join(' ')}, got ${result.output}`);
  return result;
}

/** From the start of the process, with a row waiting in a pipe, to the first byte that comes out. */
async function firstRow(pipe) {
  const both = openSync(pipe, 'r+'); // a pipe can be opened at both ends without waiting for somebody at the other
  writeSync(both, '{"a":1}\n');
  const end = openSync(pipe, 'r');
  const [command, ...args] = [...batchx, 'map', 'data.a'];
  const run = measure(command, args, { sample: false, stdio: [end, 'pipe', 'inherit'] });
  closeSync(both);
  closeSync(end);
  const result = await run;
  if (result.output !== '1\n') throw new Error(`expected 1, got ${result.output}`);
  return { ...result, wall: result.firstByte };
}
