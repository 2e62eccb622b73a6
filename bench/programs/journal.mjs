// Records of items that are done, written durably or read again, by the journal of batchx or by LMDB. Prints the seconds
// that it took, its processor time, the most memory of the process, and a sum over all ids by which two are compared.
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [kind, folder, count, batch, store] = [
  ...process.argv.slice(2, 4),
  ...process.argv.slice(4, 6).map(Number),
  process.argv[6],
];
const ours = (name) => import(new URL(`../../dist/lib/journal/${name}.js`, import.meta.url));

mkdirSync(folder, { recursive: true });
const work = await {
  'write-journal': writeJournal,
  'write-lmdb': writeLmdb,
  'load-journal': loadJournal,
  'load-lmdb': loadLmdb,
  compact: compactJournal,
}[kind]();
const [from, cpuFrom] = [performance.now(), process.cpuUsage()];
const sum = await work();
const { user, system } = process.cpuUsage(cpuFrom);
const peak = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ wall: (performance.now() - from) / 1000, cpu: (user + system) / 1e6, peak, sum }));

/** Ids and fingerprints of 64 bits in hexadecimal, the same at each call; made before the time is taken. */
function items() {
  let state = 12345;
  const word = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // The low bits of such a generator are of no good.
    return Math.imul(state ^ (state >>> 15), 0x85ebca6b) >>> 0;
  };
  const hex = (n) => n.toString(16).padStart(8, '0');
  return Array.from({ length: count }, (_, i) => ({
    k: hex(word()) + hex(Math.imul(i, 2654435761) >>> 0),
    f: hex(word()) + hex(word()),
    r: i * 300,
  }));
}

/** Of the last words of the ids, which differ. */
function sumOf(sum, id) {
  return (sum + parseInt(id.slice(8), 16)) % 2 ** 40;
}

async function writeJournal() {
  const { JournalFile } = await ours('journal-file');
  const { DoneRecords } = await ours('done-records');
  const all = items();
  const path = join(folder, 'journal.jsonl');
  const journal = new JournalFile(openSync(path, 'a+'), path, 0, 'power');
  journal.append({ t: 'job', v: 1, batchx: '', name: 'bench', at: '', stamp: '' });
  journal.append({ t: 'run', epoch: 1, at: '', pid: 1, boot: '', p: 1, chain: ['0123456789abcdef'] });
  return async () => {
    const ended = new DoneRecords();
    for (let i = 0; i < count;) {
      for (const end = Math.min(count, i + batch); i < end; i++) {
        const { k, f, r } = all[i];
        ended.add({ k, f, as: 'ok', p: 1, r });
      }
      journal.appendDone(ended);
      journal.append({ t: 'commit', outputs: [] });
      await journal.sync();
    }
    journal.close();
    return all.reduce((sum, { k }) => sumOf(sum, k), 0);
  };
}

/** Each batch is a transaction that is on the disk before the next one begins, as with us. */
async function writeLmdb() {
  const db = openLmdb();
  const all = items();
  return async () => {
    for (let i = 0; i < count;) {
      db.transactionSync(() => {
        for (const end = Math.min(count, i + batch); i < end; i++) {
          const { k, f, r } = all[i];
          const value = Buffer.allocUnsafe(17);
          value.latin1Write(f, 0, 8);
          value.latin1Write(f, 8, 8);
          value[16] = r;
          db.putSync(k, value);
        }
      });
      await db.flushed;
    }
    await db.close();
    return all.reduce((sum, { k }) => sumOf(sum, k), 0);
  };
}

/** As a run does that goes on: the table of items is whole, and the journal is open at its end. */
async function loadJournal() {
  const { openJournal } = await ours('job-files');
  return () => {
    const { fd, state } = openJournal(folder, '0123456789abcdef');
    closeSync(fd);
    let sum = 0;
    for (let entry = 0; entry < state.table.size; entry++) sum = (sum + state.table.keyLo(entry)) % 2 ** 40;
    return sum;
  };
}

/** The ids alone, into a set. */
async function loadLmdb() {
  const db = openLmdb();
  return () => {
    const ids = new Set();
    for (const id of db.getKeys()) ids.add(id);
    let sum = 0;
    for (const id of ids) sum = sumOf(sum, id);
    return sum;
  };
}

async function compactJournal() {
  const { compact } = await ours('compact');
  return () => compact(folder, { last: '0123456789abcdef', check: () => undefined, results: false }).state.table.size;
}

function openLmdb() {
  const { open } = createRequire(join(store, 'package.json'))('lmdb');
  return open({ path: join(folder, 'data.mdb'), encoding: 'binary' });
}
