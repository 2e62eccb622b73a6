// Disturbs one system call of a run after the other.
import { join } from 'node:path';
import { disturbing, oneThread } from './strace.mjs';
import { chance } from './work.mjs';

const JOB = '.batchx/job';

/**
 * What is disturbed: each call by itself; and those to single files, as others of the same name come far more often.
 * `usual` is how many of them a run of few items has, about.
 */
const points = (use) => [
  { call: 'pwrite64', usual: 4 },
  { call: 'fdatasync', usual: 14 },
  { call: 'fsync', usual: 8 },
  { call: 'ftruncate', usual: 1 },
  { call: 'link', usual: 6 },
  { call: 'rename', usual: 1 },
  { call: 'unlink', usual: 6 },
  { call: 'mkdir', usual: 3 },
  { call: 'write', path: `${JOB}/journal.jsonl`, usual: 14 },
  { call: 'write', path: `${JOB}/results.jsonl`, usual: 3 },
  ...[
    `${JOB}/journal.jsonl`,
    `${JOB}/results.jsonl`,
    `${JOB}/failed.jsonl`,
    ...use.lines.filter((name) => name !== 'stdout'),
  ].map((path) => ({
    call: 'openat',
    path,
    usual: 1,
  })),
  { call: 'write', path: 'stdout', usual: 2 },
  // The threads of the pool write the files of items, among much else: from where they begin to.
  { call: 'write', from: 45, usual: 80 },
];

/**
 * Calls `visit` with a run that is disturbed, for each point and one call after the other, until it says that the run had
 * no such call any more. In the short form it is one call for some of the points. With `resumes` it is not the first run
 * but one that goes on after another one has died half-way.
 */
export async function sweep(work, { how, every = 1, seed, short, at, resumes = false, say }, visit) {
  const random = chance(seed);
  for (const { call, path, from = 1, usual } of points(work.use)) {
    const name = path === undefined ? call : `${call} ${path}`;
    if (at !== undefined && !new RegExp(at).test(name)) continue;
    if (short && random() > 0.2) continue;
    let times = 0;
    for (let n = from + Math.floor(random() * (short ? usual : every)); ; n += every) {
      work.anew();
      const log = join(work.folder, 'trace.log');
      if (resumes) await work.run([], { before: disturbing(log, 'fdatasync', 'signal=SIGKILL', 9), more: oneThread });
      const before = disturbing(log, call, how, n, path === undefined ? [] : [path, join(work.folder, path)]);
      const run = () => work.run([], { before, more: oneThread });
      if (!(await visit({ what: `${resumes ? 'resuming, ' : ''}${name} ${n}`, log, run }))) break;
      times++;
      if (short) break;
    }
    say(`${name}: ${times}`);
  }
}
