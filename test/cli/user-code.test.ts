import { describe, expect, it } from 'vitest';
import { batchx, env, file, start } from './program.js';

describe('what the expression says by console', () => {
  it('goes to standard error, so that rows stay whole', () => {
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'dir']) {
      const said = batchx(['map', `console.${method}("said"), data`], '1\n');
      expect([method, said]).toMatchObject([method, { stdout: '1\n', ended: 0 }]);
      expect(said.stderr).toMatch(/said/);
    }
  });

  it('is escaped, but for tabs and line breaks', () => {
    const { stderr } = batchx(['map', 'console.log(data, "\\t|\\n"), data'], '"\\u001b[31mred\\u202e"\n');
    expect(stderr).toBe('\\u001b[31mred\\u202e \t|\n\n');
  });
});

it('text from data that is told is escaped', () => {
  const { stderr } = batchx(['map', '(t) => { throw new Error(t) }'], '"\\u001b[2Jgone\\nbatchx: forged"\n');
  expect(stderr.split('\n')[0]).toBe('batchx: stdin:1: \\u001b[2Jgone\\nbatchx: forged');
  file('na\u001bme.jsonl', 'x\n');
  expect(batchx(['map', 'data', 'na\u001bme.jsonl']).stderr).toContain('batchx: na\\u001bme.jsonl:1: not JSON');
});

describe('what the expression leaves behind', () => {
  it.each([
    ['timers', 'setInterval(() => 0, 1e6), data'],
    ['servers', 'process.getBuiltinModule?.("net").createServer().listen(0), data'],
  ])('does not keep the program alive: %s', (_, expression) => {
    expect(batchx(['map', expression], '1\n').ended).toBe(0);
  });

  it.each([
    ['a rejected promise', 'Promise.reject(new Error("lost")), data', 'lost'],
    ['a rejection with text', 'Promise.reject("lost"), data', 'lost'],
    ['a TypeError in a promise', '(async () => { null.x })(), data', 'TypeError: Cannot read properties of null'],
    ['a timer that throws', 'setImmediate(() => { throw new Error("lost") }), data', 'lost'],
    [
      'a refused connection',
      // Each waits for the rejections of both.
      'fetch("http://127.0.0.1:1"), new Promise((go, _, n = 0) => process.on("unhandledRejection", () => ++n === 2 && go(data)))',
      'fetch failed',
    ],
  ])('is told in a line, and the others go on: %s', (_, expression, message) => {
    const { stdout, stderr, ended } = batchx(['map', expression], '1\n2\n');
    expect({ stdout, ended }).toEqual({ stdout: '1\n2\n', ended: 1 });
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toContain(`batchx: an error that no item waits for: `);
    expect(lines[0]).toContain(message);
    expect(lines.at(-1)).toBe('batchx: 2 items read: 2 ok, and 2 that no item waits for');
    expect(lines).toHaveLength(3);
  });

  it.each([
    ['a rejected promise', 'Promise.reject(new Error("lost")), data'],
    ['a timer that throws', 'setImmediate(() => { throw new Error("lost") }), data'],
  ])('is told of a pipeline however short it is: %s', (_, map) => {
    file('short.json', JSON.stringify({ input: { items: [1] }, steps: [{ map: `(${map})` }] }));
    const { stderr, ended } = batchx(['run', 'short.json']);
    expect(ended).toBe(1);
    expect(stderr).toContain('batchx: an error that no item waits for: lost\n');
    expect(stderr).toContain('1 item read: 1 ok in ');
    expect(stderr).toContain(', and 1 that no item waits for\n');
  });

  it('is no reason to wait for ever: a promise that nothing will settle', () => {
    const { stdout, stderr, ended } = batchx(['map', 'data === 2 ? new Promise(() => {}) : data'], '1\n2\n');
    expect({ stdout, ended }).toEqual({ stdout: '1\n', ended: 1 });
    expect(stderr).toBe(
      'batchx: given up, as calls wait for promises that nothing will ever settle: 2 items read: 1 ok, 1 pending\n',
    );
  });

  it('but as long as something may settle it, it is waited for', async () => {
    const running = start(['map', 'new Promise((go) => process.stdin.once("data", () => go(data)))', ':::', 'x']);
    running.write('anything\n');
    expect(await running.ended).toMatchObject({ stdout: '"x"\n' });
  });
});

describe('a fault of our own', () => {
  // None is known, so one is made: after this the program cannot tell how it stands.
  const expression = 'Number.prototype.toLocaleString = undefined, data';

  it('is called a bug, without a stack trace, and what was done is written', async () => {
    const running = start(['map', '-q', expression]);
    running.write('1\n');
    await running.until(({ stdout }) => stdout === '1\n');
    running.kill('SIGUSR1');
    expect(await running.ended).toEqual({
      stdout: '1\n',
      // The bundler may have given the variable another name.
      stderr: expect.stringMatching(
        /^batchx: a bug in batchx: TypeError: value\d*\.toLocaleString is not a function\nbatchx: with BATCHX_DEBUG=1 it tells where; please report that\n$/,
      ) as string,
      ended: 70,
    });
  });

  it('tells where it is with BATCHX_DEBUG', async () => {
    const running = start(['map', '-q', expression], { env: { ...env, BATCHX_DEBUG: '1' } });
    running.write('1\n');
    await running.until(({ stdout }) => stdout === '1\n');
    running.kill('SIGUSR1');
    const { stderr, ended } = await running.ended;
    expect(ended).toBe(70);
    expect(stderr).toMatch(/^ {4}at .*\.program/m);
  });
});
