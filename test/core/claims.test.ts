import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fakeRuntime } from 'batchx/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareFile, writeAtomically } from '../../src/core/atomic-file.js';
import { ClaimedFile } from '../../src/core/claimed-file.js';
import { Claims } from '../../src/core/claims.js';
import { Digests } from '../../src/core/digests.js';
import { Item } from '../../src/core/item.js';
import { temporaryFolder } from '../contract/temp.js';

const item = (n: number): Item => Item.of(n, { seq: n, id: `id-${n}` });

describe('Claims', () => {
  it('gives a path to one item, while it is written and ever after', () => {
    const claims = new Claims(fakeRuntime());
    const claim = claims.claim('/out/b.txt', 'out/b.txt', item(0));
    const second = () => claims.claim('/out/b.txt', 'out/b.txt', item(1));
    expect(second).toThrow(
      'cannot write out/b.txt: it is already the output of the item id-0; let the path tell the items apart, as `{{ index }}` does',
    );
    claim.keep();
    expect(second).toThrow(
      expect.objectContaining({
        code: 'path',
        class: 'permanent',
        message: expect.stringContaining('it is already the output of an earlier item, number 1 of its source;'),
      }),
    );
    claim.release();
    expect(second).toThrow('it is already');
  });

  it('gives it to others once it is released', () => {
    const claims = new Claims(fakeRuntime());
    claims.claim('/b', 'b', item(0)).release();
    expect(claims.claim('/b', 'b', item(1)).valid).toBe(true);
  });

  it('lets a later attempt of the same item take it over', () => {
    const claims = new Claims(fakeRuntime());
    const same = item(0);
    const first = claims.claim('/b', 'b', same);
    const second = claims.claim('/b', 'b', same);
    expect([first.valid, second.valid]).toEqual([false, true]);
    first.release();
    first.keep();
    expect(second.valid).toBe(true);
    expect(() => claims.claim('/b', 'b', item(1))).toThrow('the item id-0');
  });

  it('holds for all writers of a run, until they end, and for no other run', () => {
    const runtime = fakeRuntime();
    const [one, two] = [new Claims(runtime), new Claims(runtime)];
    one.claim('/b', 'b', item(0)).keep();
    expect(() => two.claim('/b', 'b', item(0))).toThrow('it is already');
    new Claims(fakeRuntime()).claim('/b', 'b', item(1));
    one.close();
    expect(two.claim('/b', 'b', item(1)).valid).toBe(true);
  });
});

describe('ClaimedFile', () => {
  it('gets its name only once the folders around it are on the disk', async () => {
    const path = join(temporaryFolder(), 'a');
    const runtime = fakeRuntime();
    let end!: () => void;
    const folders = new Promise<void>((resolve) => (end = resolve));
    const file = (await prepareFile(path, { durability: 'off' }, runtime))!;
    const claim = new Claims(runtime).claim(path, path, item(0));
    const claimed = new ClaimedFile(file, path, claim, item(0), () => folders);
    await claimed.fill(Buffer.from('x'));
    const committed = claimed.commit();
    // As long as it takes to write a few others.
    for (let n = 0; n < 5; n++) await writeAtomically(`${path}${n}`, Buffer.from('y'), { durability: 'off' }, runtime);
    expect(existsSync(path)).toBe(false);
    end();
    await committed;
    expect(existsSync(path)).toBe(true);
  });
});

describe('Digests', () => {
  it('knows what was added, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.nat())), fc.array(fc.string()), (added, others) => {
        const digests = new Digests();
        const model = new Map<string, number>();
        for (const [text, number] of added) {
          digests.set(text, number);
          model.set(text, number);
        }
        for (const text of [...model.keys(), ...others]) expect(digests.get(text)).toBe(model.get(text));
      }),
    );
  });

  it('takes at most 32 bytes for each of many texts, and none for another', () => {
    const digests = new Digests();
    let most = 0;
    let mistaken = 0;
    // Enough for some of them to have the same first 32 bits.
    for (let n = 0; n < 150_000; n++) {
      if (digests.get(`/out/${n}`) !== undefined) mistaken++;
      digests.set(`/out/${n}`, n);
      if (n > 1000 && n % 1000 === 0) most = Math.max(most, digests.bytes / (n + 1));
    }
    expect(most).toBeLessThanOrEqual(32);
    expect(mistaken).toBe(0);
    for (let n = 0; n < 150_000; n += 999) expect(digests.get(`/out/${n}`)).toBe(n);
  });
});
