/**
 * Proves the tests of the flow: plants one fault at a time in a copy of the project and runs the tests that should see
 * it. Fails when one survives, or when it does not apply to the code any more.
 *
 *   npm run test:mutants              all of them, a few minutes
 *   npm run test:mutants -- sink cap  those whose name and file have all of these words in them
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const core = (name) => `test/core/${name}.test.ts`;
const account = 'test/property/account.test.ts';
const backpressure = 'test/property/backpressure.test.ts';

/** Each: what is wrong, where, the text before and after (or several such pairs), and the tests that must see it. */
const faults = [
  [
    'room never woken',
    'rooms',
    'this.#held -= weight;\n    this.wake();',
    'this.#held -= weight;',
    core('rooms'),
    core('pull'),
  ],
  ['limit ignored', 'rooms', 'return this.#held >= this.#limit;', 'return false;', core('rooms'), backpressure],
  ['limit + 1', 'rooms', 'return this.#held >= this.#limit;', 'return this.#held > this.#limit;', core('pull')],
  ['walk ignored', 'rooms', 'for (const room of at[ROOMS] ?? none) found.add(room);', '', backpressure],
  ['announced rooms ignored', 'rooms', 'new Set<Room>(ambient)', 'new Set<Room>()', core('rooms'), core('pull')],
  [
    'the latest waiter first',
    'rooms',
    'of this.#waiting)',
    'of [...this.#waiting].reverse())',
    core('rooms'),
    core('pull'),
  ],
  ['weight ignored', 'item', 'value instanceof Item ? value.weight : 1', '1', core('concurrent'), backpressure],

  ['reads while a room is full', 'pull', 'if (this.#mustWait()) return;\n      let pulled', 'let pulled', core('pull')],
  [
    'emits while a room is full',
    'pull',
    'if (this.#mustWait()) return;\n        const value',
    'const value',
    core('pull'),
    backpressure,
  ],
  [
    'first value of a block lost',
    'pull',
    'this.#next = 0;\n    return',
    'this.#next = 1;\n    return',
    core('pull'),
    account,
  ],
  ['stop ignored by a source', 'pull', "this.#stop?.addEventListener('abort', this.#complete);", '', core('pull')],
  ['iterator not returned', 'pull', '.then(() => iterator.return?.())', '.then(() => undefined)', core('pull')],
  ['blocked read not given up', 'pull', 'this.#ended.abort();', '', core('pull')],
  [
    'error of a read swallowed',
    'pull',
    'this.#subscriber.error(error);\n  };',
    'this.#subscriber.complete();\n  };',
    core('pull'),
  ],
  [
    'rooms leak into an opened source',
    'pull',
    'withoutRooms(() => {\n      puller.start(open);\n    });',
    'puller.start(open);',
    core('pull'),
  ],

  [
    'cap + 1',
    'concurrent',
    'if (this.#active < this.#cap && this.#queue',
    'if (this.#active <= this.#cap && this.#queue',
    core('concurrent'),
  ],
  [
    'overtakes what waits',
    'concurrent',
    '< this.#cap && this.#queue.length === 0)',
    '< this.#cap)',
    core('concurrent'),
  ],
  [
    'item lost',
    'concurrent',
    'this.#queue.push(value);',
    'if (this.#queue.length < 63) this.#queue.push(value);',
    core('concurrent'),
    account,
  ],
  [
    'leaked room',
    'concurrent',
    'this.room.release(weightOf(value));\n      this.#start',
    'this.#start',
    core('concurrent'),
    account,
  ],
  [
    'room given when it was not taken',
    'concurrent',
    'const counted = next.over;',
    'const counted = true;',
    core('concurrent'),
    account,
  ],
  [
    'wrong order',
    'concurrent',
    '(job.held === undefined && this.#line.peek() === job)',
    'job.held === undefined',
    core('concurrent'),
    account,
  ],
  [
    'limit ignored in ordered mode',
    'concurrent',
    'else this.room.take(job.weight);',
    'else this.room.take(0);',
    backpressure,
  ],
  ['buffer ignored in ordered mode', 'concurrent', 'job.heldRoom?.take(1);', '', core('concurrent')],
  [
    'readers not woken by a free slot',
    'concurrent',
    'this.#draining = false;\n    this.room.wake();',
    'this.#draining = false;',
    core('concurrent'),
    backpressure,
  ],
  [
    'teardown before the source',
    'concurrent',
    [
      [
        'const upstream = new Upstream(this, out);',
        'out.add(() => this.#tearDown());\n    const upstream = new Upstream(this, out);',
      ],
      [
        "stop?.removeEventListener('abort', this.#stop);\n      this.#tearDown();",
        "stop?.removeEventListener('abort', this.#stop);",
      ],
    ],
    core('concurrent'),
    account,
  ],
  [
    'parked slot not given',
    'concurrent',
    'this.#active--;\n    this.#drain();\n  }\n\n  unpark',
    'this.#active--;\n  }\n\n  unpark',
    core('concurrent'),
  ],
  [
    'slot freed twice',
    'concurrent',
    'if (job.parked) this.#parked--;\n    else this.#active--;',
    'if (job.parked) this.#parked--;\n    this.#active--;',
    core('concurrent'),
  ],
  [
    'values before those that return',
    'concurrent',
    '= this.#returning.shift();',
    '= this.#queue.length > 0 ? undefined : this.#returning.shift();',
    core('concurrent'),
  ],
  ['ends while calls are parked', 'concurrent', '|| this.#parked > 0', '', core('concurrent')],
  [
    'does not end after the last call',
    'concurrent',
    'this.room.wake();\n    this.#settle();',
    'this.room.wake();',
    core('concurrent'),
  ],
  [
    'stop ignored by what waits',
    'concurrent',
    'while (this.#queue.length > 0) this.room.release(weightOf(this.#queue.shift()));',
    '',
    core('concurrent'),
  ],
  [
    'stop leaves sources waiting',
    'concurrent',
    'for ever: what they bring now is dropped.\n    this.#drain();',
    '',
    core('concurrent'),
  ],
  ['signal not fired', 'concurrent', 'for (const job of this.#signals) job.abort();', '', core('concurrent')],
  [
    'error of a call swallowed',
    'concurrent',
    'fail(error: unknown): void {\n    this.out.error(error);',
    'fail(): void {\n    this.out.complete();',
    core('concurrent'),
  ],
  [
    'rooms leak into calls',
    'concurrent',
    'if (roomsAnnounced()) this.#launchApart(value, job);\n      else this',
    'this',
    core('concurrent'),
    core('stage'),
  ],
  [
    'rooms leak into results',
    'concurrent',
    'if (roomsAnnounced()) this.#passApart(result);\n    else this',
    'this',
    core('concurrent'),
  ],
  [
    'slot freed before the call is torn down',
    'operators/flow/map-concurrent',
    'this.unsubscribe();\n    this.#engine.done(this.#job);',
    'this.#engine.done(this.#job);\n    this.unsubscribe();',
    core('concurrent'),
  ],
  [
    'starts a step that nobody wants',
    'stage',
    '(this.out.closed ? next : this.#from(i + 1, next, slot))',
    'this.#from(i + 1, next, slot)',
    core('stage'),
  ],
  ['error of a step lost', 'step', 'return item.fail(error);', 'return item;', core('stage'), account],

  [
    'flush missing at completion',
    'sink',
    'this.#ended = end;\n',
    'this.#ended = end;\n    this.#gathered = [];\n',
    core('sink'),
    account,
  ],
  [
    'settled twice',
    'sink',
    'if (this.#settles && !outcome.settled)',
    'if (outcome !== undefined)',
    core('sink'),
    account,
  ],
  ['settled again when refused', 'sink', 'refused.settled = (block[place] as Outcome).settled;', '', core('sink')],
  [
    'skipped ones not settled',
    'sink',
    'if (this.#settles && !outcome.settled)',
    "if (this.#settles && !outcome.settled && outcome.status !== 'skipped')",
    core('sink'),
    account,
  ],
  ['writes twice at once', 'sink', '#next(): void {\n    this.#busy = true;', '#next(): void {', core('sink')],
  ['room of a sink leaks', 'sink', 'if (!this.#out.closed) this.room.release(held);', '', core('sink'), account],
  [
    'rooms leak into a sink',
    'sink',
    'if (roomsAnnounced()) this.#pushApart(value);\n    else this',
    'this',
    core('sink'),
  ],
  ['closed during a write', 'sink', 'if (this.#busy) return;\n    // Nobody', '// Nobody', core('sink')],
  ['closed twice', 'sink', 'if (this.#closing) return;', '', core('sink')],

  [
    'a listener that ends makes another miss an event',
    'events',
    'listeners[name] = listeners[name].toSpliced(at, 1)',
    'listeners[name].splice(at, 1)',
    core('account'),
  ],
  [
    'a split item ends as the best of its parts',
    'origin',
    '> severity[this.#worst.status]',
    '< severity[this.#worst.status]',
    core('account'),
    account,
  ],
  [
    'a split item ends with its first part',
    'origin',
    '--this.#open === 0',
    '--this.#open >= 0',
    core('account'),
    account,
  ],
  [
    'only the first of a batch ends',
    'origin',
    'for (const parent of this.parents)',
    'for (const parent of this.parents.slice(0, 1))',
    core('account'),
    account,
  ],
  [
    'an open batch lost at the end',
    'operators/flow/batch',
    'for (const [text, batch] of this.#open) this.#flush(text, batch);\n    this.#out.complete();',
    'this.#out.complete();',
    account,
  ],
  [
    'a branch is left before the source',
    'operators/flow/tee',
    [
      ['subscriber.add(teeing.branches);', ''],
      [
        'const teeing = new Teeing(subscriber);',
        'const teeing = new Teeing(subscriber);\n      subscriber.add(teeing.branches);',
      ],
    ],
    backpressure,
  ],
  ['a timer beyond what Node keeps', 'wait', 'Math.min(left, LONGEST)', 'left', core('wait')],
  ['an expression is run to see what it is', 'expression', 'let ${names.join', 'var ${names.join', core('expression')],
].map(([name, file, ...rest]) => {
  const edits = Array.isArray(rest[0]) ? rest[0] : [rest.slice(0, 2)];
  const tests = rest.slice(Array.isArray(rest[0]) ? 1 : 2);
  return { name, file: file.includes('/') ? `src/${file}.ts` : `src/core/${file}.ts`, edits, tests };
});

const root = join(import.meta.dirname, '..');
const words = process.argv.slice(2);
const chosen = faults.filter(({ name, file }) => words.every((word) => `${name} ${file}`.includes(word)));

const copy = mkdtempSync(join(tmpdir(), 'batchx-mutants-'));
try {
  for (const each of ['src', 'test', 'package.json', 'tsconfig.json'])
    cpSync(join(root, each), join(copy, each), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
  writeFileSync(join(copy, 'mutants.config.mjs'), config());
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

async function run() {
  const tests = [...new Set(chosen.flatMap((fault) => fault.tests))];
  if (tests.length === 0) {
    console.error(`mutants: no fault is called ${words.join(' ')}`);
    return false;
  }
  const before = await vitest(tests);
  if (before !== 'passed') {
    console.error(`mutants: the tests have to pass before a fault is planted; they ${before}`);
    return false;
  }
  let survived = 0;
  for (const fault of chosen) {
    const result = await plant(fault);
    if (!result.startsWith('caught')) survived++;
    console.log(`${result.padEnd(16)} ${fault.name.padEnd(50)} ${fault.file}`);
  }
  console.log(`mutants: ${chosen.length - survived} of ${chosen.length} faults were caught`);
  return survived === 0;
}

/** Plants a fault, runs its tests and takes it out again. */
async function plant({ file, edits, tests }) {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  let broken = source;
  for (const [from, to] of edits) {
    if (broken.split(from).length !== 2) return 'does not apply';
    broken = broken.replace(from, () => to);
  }
  writeFileSync(path, broken);
  const result = await vitest(tests);
  writeFileSync(path, source);
  return { passed: 'SURVIVED', failed: 'caught', hung: 'caught (hangs)' }[result];
}

/** Runs tests of the copy. A process group of its own, so that a loop without an end can be ended with all it started. */
function vitest(tests) {
  const vitestBin = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitestBin, 'run', '--config', 'mutants.config.mjs', '--bail', '1', ...tests], {
    cwd: copy,
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=1024' },
  });
  return new Promise((resolve) => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      process.kill(-child.pid, 'SIGKILL');
    }, 60_000);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(hung ? 'hung' : code === 0 ? 'passed' : 'failed');
    });
  });
}

/** The project's own configuration without the build that its tests of the command line need. */
function config() {
  return `import { join } from 'node:path';
const path = (relative) => join(import.meta.dirname, relative);
export default {
  resolve: {
    alias: [
      { find: /^batchx$/, replacement: path('src/index.ts') },
      { find: /^batchx\\/testing$/, replacement: path('src/testing.ts') },
    ],
  },
  test: { include: ['test/**/*.test.ts'], pool: 'forks', maxWorkers: 2, testTimeout: 10_000 },
};
`;
}
