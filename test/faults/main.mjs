/**
 * Disturbs runs of batchx and looks at what they leave: `npm run test:faults`.
 *
 *   npm run test:faults                      all of it, about an hour
 *   npm run test:faults -- kills http        one part, and one pipeline of it
 *   npm run test:faults -- --seed=7 --rounds=50 --items=400
 *   npm run test:faults -- --short           what `npm test` does
 */
import { join } from 'node:path';
import { cases } from './cases.mjs';
import { crashSweep, errorSweep } from './crashes.mjs';
import { editFiles, editRows } from './edits.mjs';
import { fullDisk } from './full-disk.mjs';
import { killRounds } from './kills.mjs';
import { checkOrder } from './order.mjs';

const flags = new Map();
const words = [];
for (const arg of process.argv.slice(2)) {
  const [, name, value = ''] = /^--([a-z]+)(?:=(.*))?$/.exec(arg) ?? [];
  if (name === undefined) words.push(arg);
  else flags.set(name, value);
}
const short = flags.has('short');
const seed = Number(flags.get('seed') ?? Math.floor(Math.random() * 1e6));
const rounds = Number(flags.get('rounds') ?? (short ? 8 : 300));
const items = Number(flags.get('items') ?? (short ? 60 : 2000));
const program = flags.get('program') ?? join(import.meta.dirname, '../../dist/bin/batchx.js');
const say = (text) => console.log(`  ${text}`);

const parts = {};
for (const [name, use] of Object.entries(cases))
  parts[`kills ${name}`] = () => killRounds(program, use, { items, rounds, seed, say });
const few = { items: Number(flags.get('few') ?? 12), every: Number(flags.get('every') ?? (short ? 9 : 1)), offset: seed, say };
const at = flags.get('at');
const only = ({ call, path = '' }) => at === undefined || `${call} ${path}`.includes(at);
for (const name of ['http', 'piped', 'split']) {
  parts[`crashes ${name}`] = () => crashSweep(program, cases[name], { ...few, only });
  parts[`errors ${name}`] = () => errorSweep(program, cases[name], { ...few, only, errors: ['EIO', 'ENOSPC'] });
}
for (const name of ['http', 'piped']) parts[`order ${name}`] = () => checkOrder(program, cases[name], { items: 12 });
parts['edits rows'] = () => editRows(program, { items: 12 });
parts['edits files'] = () => editFiles(program, { items: 12 });
for (const at of ['.batchx', 'files'])
  parts[`full ${at}`] = () => fullDisk(program, cases.http, { items: 60, at });
parts['full inodes'] = () => fullDisk(program, cases.http, { items: 60, at: 'files', inodes: 20 });

let bad = 0;
for (const [name, part] of Object.entries(parts)) {
  if (!words.every((word) => name.includes(word))) continue;
  console.log(`${name} (--seed=${seed})`);
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
