import { describe, expect, it } from 'vitest';
import { batchxHere } from './in-process.js';
import { batchx, file } from './program.js';

/** What `check` prints for builds and editors. */
const faultsOf = async (name: string, ...more: string[]) => {
  const { stdout, ended } = await batchxHere(['check', name, '--json', ...more]);
  return { ended, faults: JSON.parse(stdout) as { line?: number; col?: number; message: string }[] };
};

const TOO_DEEP = 'expected at most 100 levels, one in the other, got more';

describe('a file in which nothing can be looked at', () => {
  it.each([
    ['a tab', 'input: { items: [1] }\nsteps:\n\t- map: data\n', 3, 1, 'Tabs are not allowed as indentation'],
    ['a key twice', 'input: { items: [1] }\ninput: { items: [2] }\n', 2, 1, 'Map keys must be unique'],
    ['an alias of nothing', 'input: { items: [*a] }\n', 1, 18, 'no `&a` is written before this'],
    ['an alias of itself', 'input: &a { items: [1, *a] }\n', 1, 24, '`&a` would contain itself'],
    ['two documents', 'input: { items: [1] }\n---\nsteps: []\n', 2, 1, 'expected one document, got 2'],
    ['too many levels', `a: ${'['.repeat(300)}${']'.repeat(300)}\n`, undefined, undefined, TOO_DEEP],
    ['no end of levels', `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`, undefined, undefined, TOO_DEEP],
  ])('has a fault with its place, also as JSON: %s', async (_, text, line, col, message) => {
    const name = file('whole.yaml', text);
    expect(await faultsOf(name)).toEqual({ ended: 2, faults: [{ file: name, line, col, path: '', message }] });
    expect(batchx(['check', name]).stdout).toBe(
      `${line === undefined ? name : `${name}:${line}:${String(col)}`}: ${message}\n`,
    );
  });

  it('is told as JSON where it is not there, or cannot be run', async () => {
    expect((await faultsOf('nope.yaml')).faults).toMatchObject([{ message: 'there is no such file' }]);
    expect((await faultsOf(file('bad.mjs', 'throw new Error("oh")'))).faults).toMatchObject([
      { message: expect.stringContaining('oh') as string },
    ]);
  });

  it('is told by the first fault alone, which the others follow from', async () => {
    const name = file('casc.yaml', 'steps:\n  - map: {a: data.x ? [1, 2: 3], b: "x" }\n  - exec: echo: {}\n');
    const { faults } = await faultsOf(name);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ line: 2, message: expect.stringMatching(/; \d+ more follow$/) as string });
  });
});

describe('several pipelines in a file', () => {
  const one = '  one: { input: { items: [1] }, steps: [{ map: data }] }\n';

  it('are all checked, and only the one that is run has to be right', async () => {
    const name = file('multi.yaml', `rate: 5 a second\npipelines:\n${one}  two: { input: { items: [1] }, stps: [] }\n`);
    const { ended, faults } = await faultsOf(name);
    expect(ended).toBe(2);
    expect(faults.map(({ line }) => line)).toEqual([1, 4]);
    const right = file('right.yaml', `pipelines:\n${one}  two: { input: { items: [1] }, stps: [] }\n`);
    expect(batchx(['run', right, '--pipeline', 'one'])).toMatchObject({ ended: 0 });
    expect(await batchxHere(['run', right, '--pipeline', 'two'])).toMatchObject({ ended: 2 });
    expect(await batchxHere(['check', right, '--pipeline', 'one'])).toMatchObject({ ended: 0, stdout: '' });
    expect((await faultsOf(right, '--pipeline', 'tow')).faults).toMatchObject([
      { message: 'no pipeline is called "tow"; did you mean "two"?' },
    ]);
  });

  it('are told of by their names when their items are looked at', async () => {
    const name = file('both.yaml', `pipelines:\n${one}  two: { input: { items: [1, 2] }, steps: [] }\n`);
    expect((await batchxHere(['check', name])).stderr).toBe(`batchx: ${name}: nothing is wrong with it\n`);
    expect((await batchxHere(['check', name, '--items'])).stderr).toBe(
      `batchx: ${name} (one): 1 item; nothing is wrong with it\nbatchx: ${name} (two): 2 items; nothing is wrong with it\n`,
    );
  });
});

describe('one mistake', () => {
  it.each([
    ['a retry that is not understood', 'retry: { initial: 5sec }'],
    ['a breaker that is not understood', 'breaker: { open: 5sec, maxWait: 10s }'],
    ['a rate that is neither a rate nor a name', 'rate: 2 per second'],
  ])('is told once: %s', async (_, said) => {
    const step = await faultsOf(file('once.yaml', `input: { items: [1] }\nsteps:\n  - exec: echo {}\n    ${said}\n`));
    expect(step.faults.map(({ line }) => line)).toEqual([4]);
    const top = await faultsOf(file('once.yaml', `input: { items: [1] }\nsteps: []\n${said}\n`));
    expect(top.faults.map(({ line }) => line)).toEqual([3]);
  });
});

describe('a dry run', () => {
  const text =
    'input: { items: [a, b] }\nsteps:\n  - exec: echo {}\n  - exec: cat {}\n    concurrency: 2\n  - filter: data != "b"\n';

  it('tells all steps of an item under it, also those of several stages', () => {
    const { stdout } = batchx(['run', file('dry.yaml', text), '--dry-run']);
    expect(stdout).toBe('#1\n  exec: echo a\n  exec: cat a\n#2\n  exec: echo b\n  exec: cat b\n  skipped: filtered\n');
  });

  it('tells it as JSON', () => {
    const { stdout } = batchx(['run', file('dry.yaml', text), '--dry-run', '--json']);
    const steps = (item: string) => [
      { step: 'exec', line: `echo ${item}` },
      { step: 'exec', line: `cat ${item}` },
    ];
    expect(JSON.parse(stdout)).toEqual([
      { id: '#1', steps: steps('a') },
      { id: '#2', steps: steps('b'), skipped: 'filtered' },
    ]);
  });
});
