import { createRuntime } from '../core/runtime.js';
import { type Repaired, repairJob } from '../journal/repair-job.js';
import { type Ending, EXIT } from './exit.js';
import { number } from './progress-line.js';
import { whichJob } from './which-job.js';
import { writeOut } from './write-out.js';

/** Repairs a job, and tells what was left out. */
export async function repair(job: string | undefined): Promise<Ending> {
  const { name, folder } = whichJob(job, 'repair shop');
  const repaired = repairJob(folder, new Date(createRuntime().wallNow()).toISOString());
  const told = repaired === undefined ? ['there is nothing to repair'] : toldOf(repaired, folder);
  await writeOut(told.map((line) => `${name}: ${line}\n`).join(''));
  return EXIT.ok;
}

function toldOf({ lines, bytes, snapshot, found, results, again, inDoubt, kept }: Repaired, folder: string): string[] {
  const of = (count: number, one: string, many = `${one}s`): string => `${number(count)} ${count === 1 ? one : many}`;
  return [
    ...(snapshot === undefined
      ? []
      : [
          `left out the snapshot${snapshot === 'unknown' ? '' : ` of ${of(snapshot, 'item')}`}, which is not whole; ${found === 0 ? '' : `the results tell of ${of(found, 'item')} how they ended; `}what only it knew is done again`,
        ]),
    ...(lines === 0
      ? []
      : [
          `left out ${of(lines, 'record')} of the journal (${of(bytes, 'byte')}); the items they were of are done again`,
        ]),
    ...(results === 0 ? [] : [`left out ${of(results, 'line')} of results that cannot be read`]),
    ...(again === 0 ? [] : [`${of(again, 'item')} without a result that can be read will be done again`]),
    ...(inDoubt === 0
      ? []
      : [`${of(inDoubt, 'item is', 'items are')} in doubt: a call may have been done that must not be done twice`]),
    ...kept.map((file) => `what was damaged is kept as ${folder}/${file}`),
  ];
}
