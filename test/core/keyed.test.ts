import { describe, expect, it } from 'vitest';
import { Keyed } from '../../src/core/keyed.js';
import { upTo } from '../operators/helpers.js';

class Thing {
  idle = true;
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }
}

const fill = (keyed: Keyed<Thing>, from: number, to: number): Thing[] =>
  upTo(to - from).map((n) => keyed.get(`k${from + n}`));

describe('Keyed', () => {
  it('makes one for each key, when it is first asked for', () => {
    const made: string[] = [];
    const keyed = new Keyed((key) => {
      made.push(key);
      return new Thing(key);
    });
    const a = keyed.get('a');
    expect(keyed.get('b')).not.toBe(a);
    expect(keyed.get('a')).toBe(a);
    expect(made).toEqual(['a', 'b']);
    expect([...keyed.values()].map(({ key }) => key)).toEqual(['a', 'b']);
  });

  it('takes the names of what every object has for keys like others', () => {
    const keyed = new Keyed((key) => new Thing(key));
    expect(keyed.get('__proto__').key).toBe('__proto__');
    expect(keyed.get('constructor').key).toBe('constructor');
  });

  it('forgets none as long as there are no more than 1,000', () => {
    const keyed = new Keyed((key) => new Thing(key));
    const things = fill(keyed, 0, 1000);
    expect(things.every((thing, n) => keyed.get(`k${n}`) === thing)).toBe(true);
  });

  it('forgets the idle ones, and only those, when there are more', () => {
    const keyed = new Keyed((key) => new Thing(key));
    const things = fill(keyed, 0, 1000);
    things[3]!.idle = false;
    const last = keyed.get('one more');
    expect([...keyed.values()]).toEqual([things[3], last]);
    expect(keyed.get('k4')).not.toBe(things[4]);
  });

  it('looks for idle ones again only when twice as many are there as stayed', () => {
    let asked = 0;
    const keyed = new Keyed(() => ({
      get idle() {
        asked++;
        return false;
      },
    }));
    for (const n of upTo(100_000)) keyed.get(`k${n}`);
    expect(asked).toBe(1000 + 2000 + 4000 + 8000 + 16_000 + 32_000 + 64_000);
  });

  it('keeps the same few in memory however many keys come', () => {
    const keyed = new Keyed((key) => new Thing(key));
    for (const n of upTo(100_000)) {
      keyed.get(`k${n}`);
      if (n % 997 === 0) expect([...keyed.values()].length).toBeLessThanOrEqual(1000);
    }
  });
});
