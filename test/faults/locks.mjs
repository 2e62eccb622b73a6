// Starts two runs of one job in the same millisecond: one works, and the other one is told so.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cases, CONCURRENCY } from './cases.mjs';
import { judge, judgeCalls, judgeReport } from './checker.mjs';
import { Work } from './work.mjs';

/** No item ends before there is a file `go`. */
const held = {
  ...cases.exec,
  files: {
    'work.sh':
      'echo "$1" >> calls.log\nuntil [ -e go ]; do sleep 0.05; done\nprintf \'{"id":"%s","by":"exec"}\' "$1"\n',
  },
};

/**
 * Where the two wait for each other, by what is loaded before the program: as they begin, when they have looked for a lock,
 * and when they are about to take it.
 */
const meetings = {
  start: 'meet();',
  look: `const { readdirSync } = fs;
    fs.readdirSync = (...args) => {
      const names = readdirSync(...args);
      if (String(args[0]).endsWith('.batchx/job')) meet();
      return names;
    };`,
  link: `const { linkSync } = fs;
    fs.linkSync = (from, to) => {
      if (/lock\\.\\d+$/.test(to)) meet();
      return linkSync(from, to);
    };`,
};
export const LOCKS = Object.keys(meetings);

/** Both are there, or one has waited for long; then both go on at the same time. */
const meeting = (how) => `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  let met = false;
  const meet = () => {
    if (met) return;
    met = true;
    fs.writeFileSync('here.' + process.env.FAULTS_RUN, '');
    const latest = Date.now() + 5000;
    while (Date.now() < latest && !(fs.existsSync('here.0') && fs.existsSync('here.1')));
    const at = Math.ceil((Date.now() + 10) / 50) * 50;
    while (Date.now() < at);
  };
  ${meetings[how]}
  syncBuiltinESMExports();`;

/** Alternately in a folder where no run has been, and where one was killed that had the lock. */
export async function lockRounds(program, how, { items, rounds, say = () => undefined }) {
  const work = await Work.make(program, held, items);
  const faults = [];
  const file = (name) => join(work.folder, name);
  let met = 0;
  try {
    writeFileSync(file('go'), '');
    const { ended, stderr } = await work.run();
    if (ended !== 0) return [`the undisturbed run ended with ${ended}: ${stderr}`];
    const wanted = work.look();
    const preload = `--import=data:text/javascript,${encodeURIComponent(meeting(how))}`;
    for (let round = 0; round < rounds; round++) {
      work.anew();
      const stale = round % 2 === 1;
      if (stale) {
        const dying = work.start();
        const leave = work.onCall(() => work.kill(dying.child));
        await dying.ended;
        leave();
      }
      const more = (run) => ({ NODE_OPTIONS: preload, FAULTS_RUN: String(run) });
      const runs = [0, 1].map((run) => work.start([], { more: more(run) }).ended);
      // Whoever is refused ends while the other one still works; two that both work end when a while has passed.
      const patience = new Promise((resolve) => setTimeout(resolve, 20_000).unref());
      await Promise.race([...runs, patience]);
      const working = work.calls.length;
      writeFileSync(file('go'), '');
      const both = await Promise.all(runs);
      if (existsSync(file('here.0')) && existsSync(file('here.1'))) met++;
      const found = judgeBoth(both);
      found.push(...judge(wanted, work.look(), held));
      found.push(...judgeCalls(work.calls, work.keys, work.keys.length + (stale ? CONCURRENCY : 0)));
      if (found.length === 0) found.push(...judgeReport(work.report, { ended: 0, read: work.rows.length }));
      if (working > 2 * CONCURRENCY) found.push(`${working} calls while both ran`);
      found.push(...(await work.left()));
      faults.push(...found.map((fault) => `round ${round}, ${stale ? 'a stale lock' : 'no lock'}: ${fault}`));
    }
    say(`${met} of ${rounds} met`);
  } finally {
    await work.close();
  }
  return faults;
}

function judgeBoth(both) {
  const faults = [];
  const ends = both.map(({ ended }) => ended);
  if ([...ends].sort().join() !== '0,6') faults.push(`they ended with ${ends.join(' and ')}, not 0 and 6`);
  for (const { ended, stderr } of both) {
    if (ended === 6 && !stderr.includes('is being run by process')) faults.push(`it does not tell why: ${stderr}`);
    if (ended !== 0 && ended !== 6) faults.push(`ended with ${ended}: ${stderr}`);
    if (/\n {4}at /.test(stderr)) faults.push(`a stack trace: ${stderr}`);
  }
  return faults;
}
