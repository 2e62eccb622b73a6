// The judge: knows what a run was given and what lies there now, and nothing of how batchx works.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a run has left: `files` by name, the lines of the outputs, and what looks like a temporary file. */
export function look(folder, { files = 'files', lines = ['out.jsonl'] } = {}) {
  const found = { files: new Map(), lines: new Map(), temps: [] };
  const walk = (at, name) => {
    if (!existsSync(at)) return;
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const below = name === '' ? entry.name : `${name}/${entry.name}`;
      const isTemp = /^\.(batchx-|lock-|free-)|\.tmp$/.test(entry.name);
      if (isTemp && entry.isFile()) found.temps.push(below);
      else if (entry.isDirectory()) walk(join(at, entry.name), below);
      else if (name === files || name.startsWith(`${files}/`))
        found.files.set(below.slice(files.length + 1), readFileSync(join(at, entry.name), 'utf8'));
    }
  };
  walk(folder, '');
  for (const name of lines) {
    const path = join(folder, name);
    found.lines.set(name, existsSync(path) ? readFileSync(path, 'utf8') : '');
  }
  return found;
}

/** What is wrong with what lies there, seen beside what an undisturbed run has left. */
export function judge(wanted, got, { ordered = false, keysOf = (row) => [row.id], gathered = false } = {}) {
  const faults = [];
  for (const [name, content] of wanted.files) {
    if (!got.files.has(name)) faults.push(`file ${name}: lost`);
    else if (got.files.get(name) !== content)
      faults.push(`file ${name}: ${shown(got.files.get(name))}, not ${shown(content)}`);
  }
  for (const name of got.files.keys()) if (!wanted.files.has(name)) faults.push(`file ${name}: nobody asked for it`);
  for (const [name, text] of wanted.lines)
    faults.push(...judgeLines(name, text, got.lines.get(name) ?? '', { ordered, keysOf, gathered }));
  for (const name of got.temps) faults.push(`temporary file left: ${name}`);
  return faults;
}

function judgeLines(name, wanted, got, { ordered, keysOf, gathered }) {
  const faults = [];
  if (got !== '' && !got.endsWith('\n')) faults.push(`${name}: its last line is not whole`);
  const want = rowsOf(name, wanted, keysOf, gathered, []);
  const have = rowsOf(name, got, keysOf, gathered, faults);
  for (const [key, [text]] of want) {
    const all = have.get(key);
    if (all === undefined) faults.push(`${name}: ${key} is lost`);
    else if (all.length > 1) faults.push(`${name}: ${key} is there ${all.length} times`);
    else if (all[0] !== text) faults.push(`${name}: ${key} is ${shown(all[0])}, not ${shown(text)}`);
  }
  for (const key of have.keys()) if (!want.has(key)) faults.push(`${name}: nobody asked for ${key}`);
  if (ordered && faults.length === 0 && wanted !== got) faults.push(`${name}: its lines are in another order`);
  return faults;
}

/** The rows of an output by their keys. One that is `gathered`, as of a batch, counts by each of its keys alone. */
function rowsOf(name, text, keysOf, gathered, faults) {
  const rows = new Map();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    let row;
    try {
      row = JSON.parse(line);
    } catch {
      faults.push(`${name}: half-written line ${shown(line)}`);
      continue;
    }
    const keys = keysOf(row);
    for (const key of keys) {
      const said = gathered ? key : line;
      if (rows.has(key)) rows.get(key).push(said);
      else rows.set(key, [said]);
    }
  }
  return rows;
}

/** Whether the account of a report adds up, and nothing is in it that is not to be. */
export function judgeReport({ counts, exit }, { read, ended }) {
  const faults = [];
  const { ok, failed, skipped, inDoubt, pending } = counts;
  const sum = ok + failed + skipped + inDoubt + pending;
  if (counts.read !== sum)
    faults.push(`report: ${counts.read} read, but ${sum} accounted for: ${JSON.stringify(counts)}`);
  if (read !== undefined && counts.read !== read) faults.push(`report: ${counts.read} read, not ${read}`);
  if (exit === 0 && failed + inDoubt + pending > 0) faults.push(`report: not all is well: ${JSON.stringify(counts)}`);
  if (ended !== undefined && exit !== ended) faults.push(`report: exit ${exit}, but it ended with ${ended}`);
  return faults;
}

/** Whether calls were made for each item, and not more often than they may have been. */
export function judgeCalls(calls, keys, most) {
  const counts = new Map(keys.map((key) => [key, 0]));
  const faults = [];
  for (const key of calls) {
    if (!counts.has(key)) faults.push(`a call for ${key}, which nobody asked for`);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const [key, count] of counts) if (count === 0) faults.push(`no call for ${key}`);
  if (calls.length > most) faults.push(`${calls.length} calls, at most ${most} were to be expected`);
  return faults;
}

const shown = (text) => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text);
