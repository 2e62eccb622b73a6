// Changes the input of a job that is done: just what is new or has changed is to be done.
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judge, judgeReport, look } from './checker.mjs';
import { cases } from './cases.mjs';
import { Work } from './work.mjs';

const sorted = (keys) => [...keys].sort().join(' ');

/** One change after another, each seen by what is called then. */
export async function editRows(program, { items }) {
  const work = await Work.make(program, cases.http, items);
  const faults = [];
  let rows = work.rows;
  const write = (now) => {
    rows = now;
    writeFileSync(join(work.folder, 'in.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  };
  try {
    const run = await running(work, faults, () => rows.length);
    const same = { ...cases.http, ordered: false };
    await run(
      'the first run',
      rows.map(({ id }) => id),
    );
    const whole = work.look();
    await run('no change', []);
    write([{ id: 'first', n: -1 }, ...rows]);
    await run('a row put in front', ['first']);
    write(rows.filter(({ id }) => id !== 'first'));
    await run('a row taken away', []);
    write([...rows].reverse());
    await run('the rows the other way round', []);
    write(rows.map((row) => (row.id === 'i3' ? { ...row, n: 1000 } : row)));
    await run('one row changed', ['i3']);
    const changed = work.look();
    if (changed.files.get('i3.json') === whole.files.get('i3.json')) faults.push('one row changed: its file did not');
    write(rows.map((row) => (row.id === 'i3' ? { ...row, n: 3 } : row)));
    await run('one row changed back', ['i3']);
    write([...rows.slice(0, 4), { id: 'x', n: 7 }, ...rows.slice(4), { id: 'y', n: 8 }]);
    await run('rows put between and behind', ['x', 'y']);
    // What an undisturbed run makes of the same rows.
    const other = await Work.make(program, cases.http, 1);
    other.rows = rows;
    other.lines = work.lines;
    other.anew();
    const { ended, stderr } = await other.run();
    if (ended !== 0) faults.push(`the run beside it ended with ${ended}: ${stderr}`);
    const wanted = other.look();
    wanted.files.set('first.json', whole.files.get('first.json') ?? work.look().files.get('first.json') ?? '');
    faults.push(...judge(wanted, work.look(), same).map((fault) => `in the end: ${fault}`));
    await other.close();
  } finally {
    await work.close();
  }
  return faults;
}

/** Runs the pipeline after a change and looks whether just these keys were called. */
async function running(work, faults, count) {
  let before = 0;
  return async (what, keys) => {
    const { ended, stderr } = await work.run();
    const calls = work.calls.slice(before);
    before = work.calls.length;
    if (ended !== 0) faults.push(`${what}: ended with ${ended}: ${stderr}`);
    else faults.push(...judgeReport(work.report, { ended: 0, read: count() }).map((fault) => `${what}: ${fault}`));
    if (sorted(calls) !== sorted(keys))
      faults.push(`${what}: called ${sorted(calls) || 'nothing'}, not ${sorted(keys) || 'nothing'}`);
  };
}

/** The same of files, which may also be touched, or copied elsewhere with all that is known of them. */
const filesCase = {
  ...cases.http,
  pipeline: (url) => [
    'input: { files: "in/*.txt" }',
    'steps:',
    '  - read: text',
    `  - http: "PUT ${url}/{{ basename }}"\n    json: "{{ content }}"\n    output: answer`,
    '  - write: "files/{{ basename }}.json"\n    content: "{{ answer }}"',
    'output:\n  - jsonl: out.jsonl',
  ],
};

export async function editFiles(program, { items }) {
  const work = await Work.make(program, filesCase, items);
  const faults = [];
  const at = (name) => join(work.folder, 'in', `${name}.txt`);
  mkdirSync(join(work.folder, 'in'));
  for (const { id, n } of work.rows) writeFileSync(at(id), `text ${n}\n`);
  const copy = join(tmpdir(), `batchx-faults-copy-${process.pid}`);
  try {
    const run = await running(work, faults, () => readdirSync(join(work.folder, 'in')).length);
    await run('the first run', work.keys);
    const whole = work.look();
    await run('no change', []);
    for (const { id } of work.rows) utimesSync(at(id), new Date(), new Date(Date.now() - 1e7));
    await run('other times of all files', []);
    await run('and no change after that', []);
    writeFileSync(at('i0'), 'text 0\n');
    renameSync(at('i0'), `${at('i0')}.old`);
    cpSync(`${at('i0')}.old`, at('i0'));
    unlinkSync(`${at('i0')}.old`);
    await run('a file written again with the same content', []);
    writeFileSync(at('i1'), 'text X\n');
    await run('a file changed', ['i1']);
    utimesSync(at('i2'), new Date(0), new Date(0));
    writeFileSync(at('new'), 'new\n');
    unlinkSync(at('i3'));
    await run('one new, one touched, one gone', ['new']);
    writeFileSync(at('i3'), 'text 3\n');
    await run('the one that was gone is back', []);
    rmSync(copy, { recursive: true, force: true });
    cpSync(work.folder, copy, { recursive: true });
    const { folder } = work;
    // Nothing may be looked for where it was.
    renameSync(folder, `${folder}-away`);
    work.folder = copy;
    try {
      await run('copied elsewhere', []);
      writeFileSync(join(copy, 'in/i4.txt'), 'text Y\n');
      await run('changed there', ['i4']);
    } finally {
      work.folder = folder;
      renameSync(`${folder}-away`, folder);
    }
    await run('and here nothing', []);
    if (!whole.files.has('i0.json')) faults.push('there are no files');
    if (look(work.folder).temps.length > 0) faults.push('temporary files are left');
  } finally {
    rmSync(copy, { recursive: true, force: true });
    await work.close();
  }
  return faults;
}
