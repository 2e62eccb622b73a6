// Ends runs at random times, as a power button would end the process, and starts them again.
import { CONCURRENCY } from './cases.mjs';
import { judge, judgeCalls, judgeReport } from './checker.mjs';
import { chance, undisturbed, Work } from './work.mjs';

/** Gives what was wrong. `say` is told how it went. */
export async function killRounds(program, use, { items, rounds, seed, say = () => undefined, ms = 2 }) {
  const random = chance(seed);
  const work = await Work.make(program, use, items, { ms });
  const faults = [];
  let kills = 0;
  let progress = 0;
  try {
    const wanted = await undisturbed(work);
    // So many calls a round that there is something left for the last of them.
    const most = Math.max(1, Math.ceil((1.6 * work.keys.length) / rounds));
    let usual = 400;
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      const before = work.calls.length;
      const { child, ended } = work.start();
      let timer;
      const killIn = (delay) => {
        clearTimeout(timer);
        timer = setTimeout(() => work.kill(child), delay);
      };
      // Some die while they begin, most at work.
      const early = random() < 0.15;
      const delay = random() * usual * 1.2;
      let calls = Math.floor(random() * most);
      const after = random() * 25;
      if (early) killIn(delay);
      let first = true;
      const leave = work.onCall(() => {
        if (first) usual = 0.8 * usual + 0.2 * (performance.now() - began);
        first = false;
        if (calls-- === 0 && !early) killIn(after);
      });
      const { ended: how, stderr } = await ended;
      leave();
      clearTimeout(timer);
      if (how !== 'SIGKILL' && how !== 137) {
        if (how !== 0) faults.push(`round ${round}: ended with ${how}: ${stderr}`);
        say(`it was all done after ${kills} kills`);
        break;
      }
      kills++;
      if (work.calls.length > before) progress++;
    }
    const last = await work.run();
    if (last.ended !== 0) faults.push(`the last run ended with ${last.ended}: ${last.stderr}`);
    faults.push(...judge(wanted, work.look(), use));
    const bound = work.keys.length + kills * CONCURRENCY;
    say(
      `${kills} kills, ${progress} with progress; ${work.calls.length} calls for ${work.keys.length}, at most ${bound}`,
    );
    faults.push(...judgeCalls(work.calls, work.keys, bound));
    if (last.ended === 0) faults.push(...judgeReport(work.report, { ended: 0, read: work.rows.length }));
    const calls = work.calls.length;
    const again = await work.run();
    if (again.ended !== 0) faults.push(`a run after the end ended with ${again.ended}: ${again.stderr}`);
    faults.push(...judge(wanted, work.look(), use).map((fault) => `after one more run: ${fault}`));
    if (work.calls.length > calls) faults.push(`one more run made ${work.calls.length - calls} more calls`);
    if (again.ended === 0) faults.push(...judgeReport(work.report, { ended: 0, read: work.rows.length }));
    faults.push(...(await work.left()));
  } finally {
    await work.close({ keep: faults.length > 0 });
  }
  if (faults.length > 0) faults.push(`it lies in ${work.folder}`);
  return faults;
}
