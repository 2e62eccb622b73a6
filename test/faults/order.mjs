// Whether a run brings things to the disk in the order that it has promised: by the system calls of an undisturbed one.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { callsIn, noting, oneThread, textOf } from './strace.mjs';
import { Work } from './work.mjs';

export async function checkOrder(program, use, { items }) {
  const work = await Work.make(program, use, items);
  try {
    const log = join(work.folder, 'trace.log');
    // Who reads events is told of each item that is done.
    const { ended, stderr } = await work.run(['--progress', 'json'], { before: noting(log), more: oneThread });
    if (ended !== 0) return [`the run ended with ${ended}: ${stderr}`];
    return judgeOrder(callsIn(log, work.folder), work);
  } finally {
    await work.close();
  }
}

/** How much of a file has been written, and how much of that is on the disk. */
class Kept {
  written = 0;
  synced = 0;
  #syncing = 0;
  text = '';

  sync(phase) {
    if (phase === 'begin') this.#syncing = this.written;
    else this.synced = Math.max(this.synced, this.#syncing);
  }
}

function judgeOrder(calls, { folder, use }) {
  const faults = new Set();
  const files = new Map();
  const of = (path) => files.get(path) ?? files.set(path, new Kept()).get(path);
  /** Names that were given or made since their folder was synced last, and those that are on the disk. */
  const fresh = new Set();
  const named = new Set();
  const job = join(folder, '.batchx/job');
  const journal = join(job, 'journal.jsonl');
  const results = join(job, 'results.jsonl');
  const ids = idsOf(results);
  /** Where the commit of each item ends in the journal. */
  const committed = new Map();
  let ended = [];
  const rowed = use.piped === true ? join(folder, 'stdout') : undefined;

  /** The file or folder on a path whose name a loss of power may take away. */
  const unsafe = (path) => {
    for (let at = path; at.length > folder.length; at = dirname(at))
      if (fresh.has(at)) return at.slice(folder.length + 1);
    return undefined;
  };
  const done = (id, upTo) => {
    committed.set(id, upTo);
    const file = use.fileOf?.(id);
    const path = join(folder, use.into ?? '', 'files', `${file}.json`);
    if (file !== undefined) {
      const above = unsafe(dirname(path));
      if (above !== undefined)
        faults.add(`a record says that ${id} is done before the name of ${above} is on the disk`);
      if (!named.has(path) && !fresh.has(path))
        faults.add(`a record says that ${id} is done before its file has its name`);
      else if (!named.has(path))
        faults.add(`a record says that ${id} is done before the folder of its file is on the disk`);
    }
  };
  const record = (line, upTo) => {
    const said = JSON.parse(line);
    if (said.t === 'done') {
      for (const [at, place] of said.r.entries()) {
        const id = ids.get(said.k.slice(at * 16, at * 16 + 16));
        if (of(results).synced <= place)
          faults.add(`a record says that ${id} is done before its result is on the disk`);
        ended.push(id);
      }
    }
    if (said.t === 'step' && of(results).synced <= said.r)
      faults.add(`a record tells of a result that is not on the disk`);
    if (said.t !== 'commit') return;
    for (const id of ended) done(id, upTo);
    ended = [];
    for (const [path, size] of said.outputs) {
      const kept = of(join(folder, path));
      if (kept.synced < size)
        faults.add(`a commit tells of ${size} bytes of ${path}, of which ${kept.synced} are on the disk`);
      const above = unsafe(join(folder, path));
      if (above !== undefined) faults.add(`a commit tells of ${path} before the name of ${above} is on the disk`);
    }
    for (const path of [journal, results])
      if (fresh.has(path)) faults.add(`a commit is written before the folder of ${basename(path)} is on the disk`);
  };
  const told = (id, where) => {
    // An item that was split is done once all of its parts are: its own record only says so again.
    for (const part of use.partsOf?.(id) ?? [id]) {
      if (!committed.has(part)) faults.add(`${where} tells of ${id} before a record says that ${part} is done`);
      else if (of(journal).synced < committed.get(part))
        faults.add(`${where} tells of ${id} before the record of ${part} is on the disk`);
    }
  };
  const line = (text, where) => {
    if (!text.startsWith('{')) return;
    const said = JSON.parse(text);
    if (said.event !== undefined ? said.event === 'batch:item:end' : where === 'stdout') told(said.id, where);
  };

  for (const call of calls) {
    const { name, path, phase, args } = call;
    if (phase === 'end' && !call.ok) continue;
    if (/^(rename|link)/.test(name)) {
      const [from, to] = path;
      const kept = of(from);
      if (phase === 'begin' && kept.synced < kept.written && !basename(from).startsWith('.free-'))
        faults.add(`${basename(to)} gets its name before its content is on the disk`);
      if (phase === 'end') fresh.add(to);
    } else if (name === 'openat') {
      if (phase === 'end' && args.includes('O_CREAT') && !named.has(path)) fresh.add(pathOfNew(args, folder));
    } else if (name === 'mkdir') {
      if (phase === 'end') fresh.add(path);
    } else if (/^f(data)?sync$/.test(name)) {
      of(path).sync(phase);
      // A folder brings the names in it to the disk.
      if (phase === 'end')
        for (const each of fresh) {
          if (dirname(each) !== path) continue;
          fresh.delete(each);
          named.add(each);
        }
    } else if (name === 'write' || name === 'pwrite64') {
      const told = /^2</.test(args) ? 'an event' : path === rowed ? 'stdout' : undefined;
      if (phase === 'begin' && told !== undefined) for (const each of textOf(call).split('\n')) line(each, told);
      if (phase === 'begin' && path === journal) {
        const kept = of(path);
        let at = kept.written;
        for (const each of textOf(call).split('\n').slice(0, -1)) {
          at += each.length + 1;
          record(each, at);
        }
      }
      if (phase === 'end') of(path).written += call.result;
    }
  }
  if (committed.size === 0) faults.add('no record of the journal was seen');
  return [...faults];
}

const pathOfNew = (args, folder) => {
  const [, path = ''] = /"([^"]*)"/.exec(args) ?? [];
  return path.startsWith('/') ? path : join(folder, path);
};

function idsOf(results) {
  const rows = readFileSync(results, 'utf8').split('\n').slice(0, -1);
  return new Map(rows.map((row) => JSON.parse(row)).map(({ k, id }) => [k, id]));
}
