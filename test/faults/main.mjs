/**
 * Disturbs runs of batchx and looks at what they leave: `npm run test:faults`.
 *
 *   npm run test:faults                      all of it, about an hour
 *   npm run test:faults -- kills http        one part, and one pipeline of it
 *   npm run test:faults -- --seed=7 --rounds=50 --items=400
 *   npm run test:faults -- --every=9 --at=fdatasync crashes http
 *   npm run test:faults -- --short           about what `npm test` does
 */
import { join } from 'node:path';
import { cases } from './cases.mjs';
import { crashSweep, errorSweep } from './crashes.mjs';
import { editFiles, editRows } from './edits.mjs';
import { fullDisk, mayMount } from './full-disk.mjs';
import { killRounds } from './kills.mjs';
import { lockRounds, LOCKS } from './locks.mjs';
import { checkOrder } from './order.mjs';
import { hasStrace } from './strace.mjs';

const flags = new Map();
const words = [];
for (const arg of process.argv.slice(2)) {
  const [, name, value = ''] = /^--([a-z]+)(?:=(.*))?$/.exec(arg) ?? [];
  if (name === undefined) words.push(arg);
  else flags.set(name, value);
}
const short = flags.has('short');
/** What a flag says, or else what is usual in the short form, or in the long one. */
const numberOf = (name, least, usual) => Number(flags.get(name) ?? (short ? least : usual));
const seed = numberOf('seed', Math.floor(Math.random() * 1e6), Math.floor(Math.random() * 1e6));
const program = flags.get('program') ?? join(import.meta.dirname, '../../dist/bin/batchx.js');
const say = (text) => console.log(`  ${text}`);
const many = { items: numberOf('items', 40, 2000), rounds: numberOf('rounds', 3, 300), seed, say };
const locks = { rounds: Math.min(many.rounds, 50), say };
// Each call by itself in the long form, in the short one some of them.
const few = { items: numberOf('few', 6, 12), every: numberOf('every', 1, 1), seed, short, at: flags.get('at'), say };

const parts = {};
for (const [name, use] of Object.entries(cases)) parts[`kills ${name}`] = () => killRounds(program, use, many);
for (const name of ['http', 'folders', 'piped', 'split'])
  parts[`order ${name}`] = () => checkOrder(program, cases[name], { items: 12 });
for (const name of ['http', 'piped', 'split']) {
  const use = cases[name];
  parts[`crashes ${name}`] = () => crashSweep(program, use, few);
  parts[`resumes ${name}`] = () => crashSweep(program, use, { ...few, resumes: true });
  for (const error of ['EIO', 'ENOSPC'])
    parts[`errors ${error} ${name}`] = () => errorSweep(program, use, { ...few, error });
}
for (const how of LOCKS) parts[`locks ${how}`] = () => lockRounds(program, how, { ...locks, items: 6 });
parts['edits rows'] = () => editRows(program, { items: 12 });
parts['edits files'] = () => editFiles(program, { items: 12 });
for (const folder of ['.batchx', 'files'])
  parts[`full ${folder}`] = () => fullDisk(program, cases.http, { items: 60, at: folder });
parts['full inodes'] = () => fullDisk(program, cases.http, { items: 60, at: 'files', inodes: 20 });

/** What is missing for a part; undefined when nothing is. */
const missing = (part) => {
  if (/^(order|crashes|resumes|errors)/.test(part) && !hasStrace()) return 'strace';
  return part.startsWith('full') && !mayMount() ? 'the right to mount' : undefined;
};

let bad = 0;
for (const [name, part] of Object.entries(parts)) {
  if (!words.every((word) => `${name} `.includes(`${word} `))) continue;
  const without = missing(name);
  console.log(`${name} (${without === undefined ? `--seed=${seed}` : `skipped: there is no ${without} here`})`);
  if (without !== undefined) continue;
  const faults = await part();
  bad += faults.length;
  tell(faults);
}
process.exitCode = bad === 0 ? 0 : 1;

/** Faults of one kind are told by a few of them. */
function tell(faults) {
  const kinds = new Map();
  for (const fault of faults) {
    const kind = fault.replace(/\.batchx-\w+|\b[iw]?\d+(-\d+)?\b|".*"/g, '#');
    kinds.set(kind, [...(kinds.get(kind) ?? []), fault]);
  }
  for (const all of kinds.values()) {
    for (const fault of all.slice(0, 3)) console.log(`  FAULT ${fault}`);
    if (all.length > 3) console.log(`        and ${all.length - 3} more of that kind`);
  }
}
