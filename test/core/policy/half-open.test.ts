import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../../src/core/errors.js';
import type { Item } from '../../../src/core/item.js';
import { type Behave, Scene } from './scene.js';

const down = (): Error => new BatchxError('http', 'answered 503', { class: 'unprocessed' });
const breaker = { window: 1, minCalls: 1 } as const;

/** The first call fails and opens the breaker; the others take so long. */
const firstFails =
  (ms: number): Behave =>
  ({ name }, scene) =>
    name === 'a' ? scene.fail(10, down()) : scene.ok(ms);

const starts = (log: readonly string[]): string[] => log.filter((line) => /^\d+ \w$/.test(line));

describe('calls that try the server', () => {
  it('may take longer than `maxHalfOpen`: when they go well the breaker closes, and the others follow', async () => {
    const scene = new Scene('a b c d e f g', firstFails(90_000), { concurrency: 3, breaker });
    expect(starts(await scene.play())).toEqual([
      '0 a',
      '0 b',
      '0 c',
      // It was found out at 90,010 that they were slow, and at 120,010 that they went well.
      '30010 d',
      '90000 e',
      '90000 f',
      '120010 g',
    ]);
  });

  it('may wait for a rate: their time does not run before they start', async () => {
    const options = { concurrency: 5, breaker, rate: '30/h' };
    const scene = new Scene('a b c d e', firstFails(1000), options);
    expect(starts(await scene.play())).toEqual(['0 a', '121200 b', '242400 c', '363600 d', '484800 e']);
  });

  it('may be slower than `maxHalfOpen` and wait for a rate that is slower still', async () => {
    const options = { concurrency: 5, breaker, rate: '60/h' };
    const scene = new Scene('a b c d e', firstFails(100_000), options);
    // b is found slow at 120,600, so that c is refused its permit at 121,200; b goes well at 160,600.
    expect(starts(await scene.play())).toEqual(['0 a', '60600 b', '160600 e', '260600 d', '360600 c']);
  });

  it('keep their places while they wait for their slots', async () => {
    const hostOf = (name: string): string => (name < 'm' ? 'down' : 'well');
    const behave: Behave = (made, scene) =>
      hostOf(made.name) === 'well' ? scene.ok(200_000) : firstFails(1000)(made, scene);
    const key = ({ data }: Item): string => hostOf(data as string);
    const scene = new Scene('a b c d x y', behave, { concurrency: 2, breaker, key });
    // From 30,010 on c and d may try, but x and y have the slots until then.
    expect(starts(await scene.play())).toEqual(['0 a', '0 b', '10 x', '1000 y', '200010 c', '201000 d']);
  });
});
