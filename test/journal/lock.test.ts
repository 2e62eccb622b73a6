import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchxError } from 'batchx';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Holder, holderOf, Lock } from '../../src/journal/lock.js';
import { ownLife } from '../../src/journal/process-life.js';
import { temporaryFolder } from '../contract/temp.js';
import { fileProgram } from '../core/file-program.js';

/** Does what each line on its standard input says, and answers each with a line. */
const program = `
import { createInterface } from 'node:readline';
import { Lock } from './src/journal/lock.js';
let lock;
const answer = (text) => process.stdout.write(text + '\\n');
const commands = {
  take: (folder, at) => {
    // All who are told the same time begin in the same millisecond.
    while (Date.now() < Number(at)) {}
    lock = Lock.take(folder, 'then');
    return 'has ' + lock.epoch;
  },
  force: (folder) => 'has ' + (lock = Lock.take(folder, 'then', { force: true })).epoch,
  check: () => (lock.check(), 'fine'),
  release: () => (lock.release(), 'released'),
};
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...words] = line.split(' ');
  try {
    answer(commands[name](...words));
  } catch (error) {
    answer(String(error.code) + ': ' + error.message);
  }
}
`;

let path: string;
beforeAll(async () => {
  path = await fileProgram('lock', program);
});

/** A process that is told what to do with a lock. */
class Run {
  readonly child: ChildProcess;
  readonly #answers: string[] = [];
  readonly #waiting: ((answer: string) => void)[] = [];

  constructor() {
    this.child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    this.child.stdout?.setEncoding('utf8').on('data', (more: string) => {
      const lines = (text + more).split('\n');
      text = lines.pop() as string;
      for (const line of lines) (this.#waiting.shift() ?? ((answer) => this.#answers.push(answer)))(line);
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  tell(line: string): Promise<string> {
    this.child.stdin?.write(`${line}\n`);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill(signal);
    await gone;
  }
}

const epochs = (folder: string): number[] =>
  readdirSync(folder).flatMap((name) => (name.startsWith('lock.') ? [Number(name.slice(5))] : []));

it('is had by exactly one of two runs that begin in the same millisecond, each time, also after one that was killed', async () => {
  const folder = temporaryFolder();
  const runs = [new Run(), new Run(), new Run()] as const;
  await Promise.all(runs.map((run) => run.tell('check')));
  let last = 0;
  let killed = 0;
  for (let round = 0; round < 50; round++) {
    if (round % 10 === 5) {
      // What it leaves is stale: nobody has freed it.
      const died = new Run();
      expect(await died.tell(`take ${folder} 0`)).toBe(`has ${++last}`);
      await died.end('SIGKILL');
      expect(epochs(folder)).toEqual([last]);
      killed++;
    }
    const at = Date.now() + 12;
    const answers = await Promise.all(runs.map((run) => run.tell(`take ${folder} ${at}`)));
    const winners = answers.filter((answer) => answer.startsWith('has '));
    expect(winners, answers.join('\n')).toHaveLength(1);
    expect(answers.filter((answer) => /^locked: the job .* is being run by process \d+/.test(answer))).toHaveLength(2);
    const epoch = Number(winners[0]?.slice(4));
    expect(epoch).toBeGreaterThan(last);
    last = epoch;
    const winner = runs[answers.findIndex((answer) => answer.startsWith('has '))] as Run;
    expect(await winner.tell('check')).toBe('fine');
    expect(await winner.tell('release')).toBe('released');
  }
  expect(killed).toBe(5);
  expect(readdirSync(folder), 'nothing temporary is left').toEqual([`lock.${last}`]);
}, 60_000);

it('is free after a normal end, and its number is never given again', () => {
  const folder = temporaryFolder();
  for (const epoch of [1, 2, 3]) {
    const lock = Lock.take(folder, 'then');
    expect(lock.epoch).toBe(epoch);
    expect(holderOf(folder)).toMatchObject({ epoch, pid: process.pid });
    expect(() => Lock.take(folder, 'then')).toThrow(expect.objectContaining({ code: 'locked' }) as Error);
    lock.release();
    expect(holderOf(folder)).toBeUndefined();
  }
});

it('takes over what a run left that was stopped, which does nothing more when it goes on', async () => {
  const folder = temporaryFolder();
  const [stopped, other] = [new Run(), new Run()];
  expect(await stopped.tell(`take ${folder} 0`)).toBe('has 1');
  stopped.child.kill('SIGSTOP');
  // It may go on any time: nobody takes it for gone.
  expect(await other.tell(`take ${folder} 0`)).toMatch(/^locked: .*--job NAME/);
  expect(await other.tell(`force ${folder}`)).toBe('has 2');
  const answer = stopped.tell('check');
  stopped.child.kill('SIGCONT');
  expect(await answer).toMatch(/^locked: another run has taken over the job/);
  expect(await other.tell('check')).toBe('fine');
  // Its end takes nothing from the other one, nor does it when others come after that.
  expect(await stopped.tell('release')).toBe('released');
  expect(await other.tell('check')).toBe('fine');
  const third = new Run();
  expect(await third.tell(`take ${folder} 0`)).toMatch(/^locked/);
  expect(await third.tell(`force ${folder}`)).toBe('has 3');
  expect(await stopped.tell('check')).toMatch(/^locked/);
  expect(await other.tell('check')).toMatch(/^locked/);
}, 30_000);

function held(folder: string, more: Partial<Holder>): void {
  const holder: Holder = { ...ownLife(), epoch: 4, at: '2026-01-02T03:04:05Z', ...more };
  writeFileSync(join(folder, 'lock.4'), JSON.stringify(holder));
}

it.each([
  ['on another machine', { space: 'elsewhere pid:[4026531836]' }],
  ['in another container of the same machine', { space: `${ownLife().space}1` }],
])('refuses what a process has that cannot be seen, %s, and says how it is taken over', (_, more) => {
  const folder = temporaryFolder();
  held(folder, { pid: 7, ...more });
  let error: unknown;
  try {
    Lock.take(folder, 'then');
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(BatchxError);
  expect(error).toMatchObject({
    code: 'locked',
    message: expect.stringMatching(/process 7 on .*--break-lock/) as unknown,
  });
  expect(holderOf(folder)).toMatchObject({ epoch: 4 });
  expect(Lock.take(folder, 'then', { force: true }).epoch).toBe(5);
});

it.each([
  ['was started at another time, with the same number', { start: '1' }],
  ['ran before the system was started again', { boot: 'another' }],
  ['ran before, in a container', { boot: 'another', space: `${ownLife().space}1` }],
])('takes what a process had that %s', (_, more) => {
  const folder = temporaryFolder();
  held(folder, more);
  expect(holderOf(folder)).toBeUndefined();
  expect(Lock.take(folder, 'then').epoch).toBe(5);
  expect(epochs(folder)).toEqual([5]);
});

it('takes a lock that the death of the machine has left empty', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'lock.7'), '');
  const lock = Lock.take(folder, 'then');
  expect(lock.epoch).toBe(8);
  expect(JSON.parse(readFileSync(join(folder, 'lock.8'), 'utf8'))).toMatchObject({ pid: process.pid });
});
