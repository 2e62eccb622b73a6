import { readFileSync } from 'node:fs';
import { program } from './lib/batchx.mjs';
import { scratch } from './lib/data.mjs';
import { measure, measureInto } from './lib/process.mjs';
import { atMost } from './lib/report.mjs';
import { alternate, median } from './lib/rounds.mjs';
import { tree } from './lib/tree.mjs';

/**
 * The exported `files`, around the walk alone: the start of a process, which `find` hardly has, is measured elsewhere.
 * Memory is that of the whole process, less what Node takes to do nothing.
 */
export default {
  title: 'files: the paths of a quarter of a tree into a file; against find',
  async run({ quick }) {
    const folder = tree(quick ? 50_000 : 500_000);
    const written = { files: scratch('walk-files.out'), find: scratch('walk-find.out') };
    const runs = [];
    const results = await alternate(quick ? 5 : 11, {
      files: async () => {
        const [command, ...args] = [...program('walk'), `${folder}/**/*.x`, written.files];
        const run = await measure(command, args);
        const { ms, first, peak } = JSON.parse(run.output);
        runs.push(first);
        return { ...run, wall: ms / 1000, peak };
      },
      find: () => measureInto(written.find, ['find', folder, '-name', '*.x', '-type', 'f']),
    });
    const found = samePaths(written);
    console.log(`  both found the same ${found} files`);
    const bare = await measure(process.execPath, ['-p', 'process.resourceUsage().maxRSS / 1024']);
    results.files.note = `first file after ${median(runs).toFixed(1)} ms`;
    return {
      results,
      goals: [
        atMost('of the time of find', results.files.wall / results.find.wall, 1.1),
        atMost('first file', median(runs), 5, 'ms'),
        atMost('memory beyond a bare process', results.files.peak - Number(bare.output), 60, 'MB'),
      ],
    };
  },
};

function samePaths({ files, find }) {
  const [ours, theirs] = [files, find].map((path) => readFileSync(path, 'utf8').split('\n').sort());
  if (ours.join('\n') !== theirs.join('\n'))
    throw new Error(`not the same work: ${ours.length - 1} files, of which find found ${theirs.length - 1}`);
  return ours.length - 1;
}
