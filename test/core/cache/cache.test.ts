import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Cache, type CacheOptions } from '../../../src/core/cache/cache.js';
import type { Runtime } from '../../../src/core/runtime.js';
import { fakeRuntime } from '../../../src/testing/fake-runtime.js';

function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), 'batchx-cache-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A cache whose clock is set by hand, and what it warns of. */
function open(dir: string, options: CacheOptions = {}) {
  const warnings: string[] = [];
  const world = { now: 1_000_000 };
  const runtime: Runtime = { ...fakeRuntime(), wallNow: () => world.now };
  runtime.events.on('batch:warning', ({ message }) => warnings.push(message));
  const cache = new Cache({ dir, ...options }, runtime);
  let calls = 0;
  /** What a call gives that makes `value`, or one that was kept. */
  const get = async (name: unknown, value: unknown = `made ${++calls}`): Promise<unknown> => {
    const make = async () => ({ result: value, entry: { value } });
    const once = await cache.once(cache.keyOf(name) as string, make);
    return 'found' in once ? once.found : once.result;
  };
  return { cache, get, warnings, world };
}

const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

const only = (dir: string): string => {
  const [file, ...more] = filesIn(dir);
  if (file === undefined || more.length > 0) throw new Error('expected one file');
  return file;
};

/** Promises that are settled by hand. */
function gate<T = void>() {
  let open: (value: T) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const opened = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open, fail };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('Cache', () => {
  it('gives what was made for an equal call, also to later runs', async () => {
    const dir = temporary();
    const first = open(dir);
    expect([await first.get({ a: 1, b: 2 }), await first.get({ b: 2, a: 1 })]).toEqual(['made 1', 'made 1']);
    expect(await open(dir).get({ a: 1, b: 2 }, 'other')).toBe('made 1');
    expect(await open(dir).get({ a: 1, b: 3 }, 'other')).toBe('other');
  });

  it('gives data as they were, with bytes and what JSON does not have', async () => {
    const dir = temporary();
    const value = {
      bytes: new Uint8Array([0, 255]),
      at: new Date(5),
      nan: NaN,
      none: undefined,
      text: '\ud800',
      big: 7n,
    };
    await open(dir).get('x', value);
    expect(await open(dir).get('x')).toEqual(value);
  });

  it('gives each its own bytes', async () => {
    const { get } = open(temporary());
    await get('x', { bytes: new Uint8Array([1]) });
    const [a, b] = (await Promise.all([get('x'), get('x')])) as { bytes: Uint8Array }[];
    a?.bytes.fill(9);
    expect(b?.bytes[0]).toBe(1);
  });

  it('forgets an entry once its time is over, and one of a time to come', async () => {
    const dir = temporary();
    const { get, world } = open(dir, { ttl: '1h' });
    await get('x');
    world.now += 3_599_999;
    expect(await get('x')).toBe('made 1');
    world.now += 1;
    expect(await get('x')).toBe('made 3');
    world.now -= 10;
    expect(await get('x')).toBe('made 4');
    expect(await open(dir).get('x')).toBe('made 4');
  });

  it('keeps no failure', async () => {
    const dir = temporary();
    const { cache, get } = open(dir);
    const failing = cache.once(cache.keyOf('x') as string, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(filesIn(dir)).toEqual([]);
    expect(await get('x')).toBe('made 1');
  });

  it('keeps nothing that is no plain data, and says so once', async () => {
    const dir = temporary();
    const { get, warnings, cache } = open(dir);
    const value = new Map();
    expect(await get('x', value)).toBe(value);
    expect(await get('y', () => 1)).toBeTypeOf('function');
    expect(filesIn(dir)).toEqual([]);
    expect(warnings).toEqual(['some results are not cached: they are no plain data']);
    expect(cache.keyOf(new Map())).toBeUndefined();
  });

  it('takes an entry with any byte changed, or cut anywhere, for none, and says so', async () => {
    const dir = temporary();
    await open(dir).get('x', 'whole');
    const path = only(dir);
    const bytes = readFileSync(path);
    const damaged: Buffer[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const other = Buffer.from(bytes);
      other[at] = (other[at] as number) ^ 1;
      damaged.push(other, bytes.subarray(0, at));
    }
    damaged.push(Buffer.concat([bytes, Buffer.from('x')]));
    for (const each of damaged) {
      writeFileSync(path, each);
      const { get, warnings } = open(dir);
      expect(await get('x', 'again'), JSON.stringify(each.toString('latin1'))).toBe('again');
      expect(warnings).toEqual(['an entry of the cache is damaged: the call is made again']);
      // It is whole again.
      expect(await open(dir).get('x')).toBe('again');
    }
  });

  it('takes no entry for that of another call', async () => {
    const dir = temporary();
    await open(dir).get('x', 'of x');
    const from = only(dir);
    await open(dir).get('y', 'of y');
    const to = filesIn(dir).find((path) => path !== from) as string;
    renameSync(from, to);
    expect(await open(dir).get('y', 'made')).toBe('made');
  });

  it('does not read what is far too large', async () => {
    const dir = temporary();
    await open(dir).get('x', 'small');
    truncateSync(only(dir), 65 * 1024 ** 2);
    const before = process.memoryUsage().arrayBuffers;
    const { get, warnings } = open(dir);
    expect(await get('x', 'made')).toBe('made');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 ** 2);
    expect(warnings).toHaveLength(1);
  });

  it('goes on without a folder that cannot be written, with one warning', async () => {
    const dir = temporary();
    writeFileSync(join(dir, 'file'), '');
    const { get, warnings } = open(join(dir, 'file'));
    expect([await get('x'), await get('x'), await get('y')]).toEqual(['made 1', 'made 2', 'made 3']);
    expect(warnings).toHaveLength(1);
  });

  it('shows nothing of the call in names or contents, and lets nobody else read', async () => {
    const dir = temporary();
    mkdirSync(join(dir, 'own'));
    await open(join(dir, 'own', 'cache')).get({ token: 'open-sesame' }, 'answer');
    const path = only(dir);
    expect(path.slice(dir.length)).toMatch(/^\/own\/cache\/[\da-f]{2}\/[\da-f]{62}$/);
    expect(readFileSync(path, 'latin1')).not.toContain('sesame');
    chmodSync(path, 0o600);
    expect(filesIn(dir)).toHaveLength(1);
  });

  it('makes one call of many equal ones at the same time', async () => {
    const { cache } = open(temporary());
    const { opened, open: answer } = gate<string>();
    let made = 0;
    const key = cache.keyOf('x') as string;
    const make = async () => {
      made++;
      const value = await opened;
      return { result: value, entry: { value } };
    };
    const all = Array.from({ length: 20 }, () => cache.once(key, make));
    await turn();
    expect(made).toBe(1);
    answer('one');
    const found = await Promise.all(all);
    expect(made).toBe(1);
    expect(found.filter((once) => 'found' in once)).toHaveLength(19);
  });

  it('makes the next one when the one that the others wait for fails', async () => {
    const { cache } = open(temporary());
    const key = cache.keyOf('x') as string;
    let made = 0;
    const make = async () => {
      await turn();
      if (++made < 3) throw new Error(`no ${made}`);
      return { result: made, entry: { value: made } };
    };
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => cache.once(key, make)));
    expect(made).toBe(3);
    expect(all.map(({ status }) => status).sort()).toEqual([
      ...Array<string>(4).fill('fulfilled'),
      'rejected',
      'rejected',
    ]);
  });

  it('makes all at once when the result of the first is not to be kept', async () => {
    const { cache } = open(temporary());
    const key = cache.keyOf('x') as string;
    let running = 0;
    let most = 0;
    const make = async () => {
      most = Math.max(most, ++running);
      await turn();
      running--;
      return { result: 1, entry: undefined };
    };
    await Promise.all(Array.from({ length: 6 }, () => cache.once(key, make)));
    expect(most).toBe(5);
  });
});
