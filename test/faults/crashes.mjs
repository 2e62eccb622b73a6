// Ends a run at each of its system calls in turn, and lets another one go on.
import { existsSync } from 'node:fs';
import { judge, judgeCalls, judgeReport } from './checker.mjs';
import { CONCURRENCY } from './cases.mjs';
import { injectedIn } from './strace.mjs';
import { sweep } from './sweep.mjs';
import { undisturbed, Work } from './work.mjs';

export async function crashSweep(program, use, { items, ...sweeping }) {
  const work = await Work.make(program, use, items);
  const faults = [];
  let deaths = 0;
  try {
    const wanted = await undisturbed(work);
    const kills = sweeping.resumes === true ? 2 : 1;
    await sweep(work, { how: 'signal=SIGKILL', ...sweeping }, async ({ what, run }) => {
      const first = await run();
      const died = first.ended === 'SIGKILL' || first.ended === 137;
      if (died) deaths++;
      else if (first.ended !== 0) faults.push(`${what}: ended with ${first.ended}: ${first.stderr}`);
      const told = died ? work.look() : undefined;
      const early = told === undefined ? [] : halves(wanted, told);
      const second = await work.run();
      const found = [...early, ...judge(wanted, work.look(), use)];
      if (second.ended !== 0) found.push(`the run after it ended with ${second.ended}: ${second.stderr}`);
      else found.push(...judgeReport(work.report, { ended: 0, read: work.rows.length }));
      found.push(...judgeCalls(work.calls, work.keys, work.keys.length + kills * CONCURRENCY), ...(await work.left()));
      faults.push(...found.map((fault) => `${what}: ${fault}`));
      return died;
    });
    sweeping.say(`${deaths} deaths`);
  } finally {
    await work.close();
  }
  return faults;
}

/** Files that are there under their own names are whole, whenever the run died. */
function halves(wanted, { files }) {
  return [...files].flatMap(([name, text]) =>
    wanted.files.has(name) && wanted.files.get(name) !== text ? [`file ${name} is half-written while nobody runs`] : [],
  );
}

/** What an I/O error ends, and what then goes on. */
export async function errorSweep(program, use, { items, error, ...sweeping }) {
  const work = await Work.make(program, use, items);
  const faults = [];
  let met = 0;
  try {
    const wanted = await undisturbed(work);
    await sweep(work, { how: `error=${error}`, ...sweeping }, async ({ what, log, run }) => {
      const first = await run();
      const line = existsSync(log) ? injectedIn(log) : undefined;
      if (line === undefined) return false;
      // What goes on between the threads of a Node, and what it reads, is not about this.
      if (!line.includes(work.folder) && !/"(\.batchx|files|out)/.test(line)) return true;
      met++;
      const found = [...judgeError(first, line, error), ...halves(wanted, work.look())];
      const second = await work.run();
      if (second.ended !== 0) found.push(`the run after it ended with ${second.ended}: ${second.stderr}`);
      else found.push(...judgeReport(work.report, { ended: 0, read: work.rows.length }));
      found.push(...judge(wanted, work.look(), use), ...(await work.left()));
      faults.push(...found.map((fault) => `${error} at ${what}: ${fault}`));
      return true;
    });
    sweeping.say(`${met} errors met`);
  } finally {
    await work.close();
  }
  return faults;
}

/** What may fail without an end of the run: nothing is lost, and whoever comes next does it again. */
const HARMLESS = /unlink|\.free-|lock\.\d|\.gitignore|O_RDONLY/;
/** At the end of a run the journal is only told how much of it is on the disk, by a record of its own. */
const WITNESS = /journal\.jsonl>, "\{\\"t\\":\\"synced\\"[^)]*, [45]\d\) = -1/;

function judgeError({ ended, stderr }, line, error) {
  const call = line.replace(/^\d+ +/, '').slice(0, 160);
  if (ended === 'hung') return [`it hangs: ${call}`];
  const faults = [];
  if (/\n {4}at /.test(stderr)) faults.push(`a stack trace: ${stderr.slice(0, 400)}`);
  if (ended === 0 && (HARMLESS.test(line) || WITNESS.test(line))) return faults;
  if (ended !== 5) faults.push(`it ended with ${ended}, not 5, by ${call}: ${stderr}`);
  if (!stderr.includes(error)) faults.push(`it does not tell of ${error}: ${stderr}`);
  return faults;
}
