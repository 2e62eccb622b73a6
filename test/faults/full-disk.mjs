// Lets the disk be full while an output, the journal or the report is written: a small one, mounted where they are.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, judgeReport } from './checker.mjs';
import { undisturbed, Work } from './work.mjs';

const run = (command, ...args) => spawnSync(command, args, { encoding: 'utf8' });
const mount = (folder, size) => run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'none', folder).status === 0;
const larger = (folder, size) => run('mount', '-o', `remount,size=${size}`, folder).status === 0;

/** Whether another disk may be put in the place of a folder here. */
export function mayMount() {
  const folder = mkdtempSync(join(tmpdir(), 'batchx-mount-'));
  try {
    return mount(folder, '64k') && run('umount', folder).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `at` is the folder that is too small, `outputs` what is written there. */
export async function fullDisk(program, use, { items, at, inodes }) {
  const work = await Work.make(program, use, items);
  const faults = [];
  let folder = '';
  try {
    const wanted = await undisturbed(work);
    folder = join(work.folder, at);
    mkdirSync(folder, { recursive: true });
    const size = inodes === undefined ? '12k' : `1m,nr_inodes=${inodes}`;
    if (!mount(folder, size)) return [`cannot mount at ${folder}`];
    const first = await work.run();
    if (first.ended !== 5) faults.push(`it ended with ${first.ended}, not 5: ${first.stderr}`);
    if (!/ENOSPC|no space|takes no more/.test(first.stderr)) faults.push(`it does not say why: ${first.stderr}`);
    if (/\n {4}at /.test(first.stderr)) faults.push(`a stack trace: ${first.stderr}`);
    const met = work.look();
    for (const [name, text] of met.files)
      if (wanted.files.get(name) !== text) faults.push(`file ${name} is half-written`);
    // The disk is still full: nothing gets worse by another try.
    const second = await work.run();
    if (second.ended !== 5) faults.push(`once more it ended with ${second.ended}, not 5: ${second.stderr}`);
    larger(folder, inodes === undefined ? '16m' : '16m,nr_inodes=10000');
    const third = await work.run();
    if (third.ended !== 0) faults.push(`with room again it ended with ${third.ended}: ${third.stderr}`);
    else faults.push(...judgeReport(work.report, { ended: 0, read: work.rows.length }));
    faults.push(...judge(wanted, work.look(), use), ...(await work.left()));
  } finally {
    run('umount', folder);
    await work.close();
  }
  return faults.map((fault) => `${at}: ${fault}`);
}
