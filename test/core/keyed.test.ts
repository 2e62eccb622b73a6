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

  it('forgets idle ones, and only those, when there are more', () => {
    const keyed = new Keyed((key) => new Thing(key));
    const things = fill(keyed, 0, 1000);
    things[3]!.idle = false;
    fill(keyed, 1000, 3000);
    expect([...keyed.values()].length).toBe(1000);
    expect(keyed.get('k3')).toBe(things[3]);
    expect(keyed.get('k4')).not.toBe(things[4]);
  });

  it('looks at two for each new one as long as none is idle, so that many keys cost no more than few', () => {
    let asked = 0;
    const keyed = new Keyed(() => ({
      get idle() {
        asked++;
        return false;
      },
    }));
    for (const n of upTo(100_000)) keyed.get(`k${n}`);
    expect(asked).toBeGreaterThan(150_000);
    expect(asked).toBeLessThanOrEqual(200_000);
    for (const n of upTo(1600)) keyed.get(`k${n}`);
    expect(asked).toBeLessThanOrEqual(200_000 + 100);
  });

  it('forgets what a rush has left, as others come or the same are used on', () => {
    for (const key of [(n: number) => `new ${n}`, () => 'k7']) {
      const keyed = new Keyed((name) => new Thing(name));
      const things = upTo(50_000).map((n) => {
        const thing = keyed.get(`k${n}`);
        thing.idle = false;
        return thing;
      });
      expect([...keyed.values()].length).toBe(50_000);
      for (const thing of things) thing.idle = true;
      things[7]!.idle = false;
      for (let n = 0; n < 16 * 50_000 && [...keyed.values()].length > 1000; n += 2000) {
        for (let i = 0; i < 2000; i++) keyed.get(key(n + i));
      }
      expect([...keyed.values()].length).toBeLessThanOrEqual(1000);
      expect(keyed.get('k7')).toBe(things[7]);
    }
  });

  it('does not forget the one that is asked for', () => {
    const keyed = new Keyed((key) => new Thing(key));
    fill(keyed, 0, 1000);
    for (let n = 0; n < 5000; n++) {
      const thing = keyed.get(`k${n % 1100}`);
      expect(new Set(keyed.values()).has(thing)).toBe(true);
    }
  });

  it('keeps the same few in memory however many keys come', () => {
    const keyed = new Keyed((key) => new Thing(key));
    for (const n of upTo(100_000)) {
      keyed.get(`k${n}`);
      if (n % 997 === 0) expect([...keyed.values()].length).toBeLessThanOrEqual(1000);
    }
  });
});
