import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FLAG, ItemTable, STATE, type State } from '../../src/journal/item-table.js';

interface Known {
  readonly hi: number;
  readonly lo: number;
  print: readonly [number, number];
  place: number | undefined;
  state: State;
  flags: Set<number>;
  deaths: number;
}

const states = Object.values(STATE);
const flags = Object.values(FLAG);
/** Few first words, so that many keys meet in the index. */
const key = fc.tuple(fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1), fc.nat(40));
const word = fc.nat(2 ** 32 - 1);
const change = fc.oneof(
  fc.record({ print: fc.tuple(word, word) }),
  fc.record({
    place: fc.option(
      fc.maxSafeNat().map((place) => place % (2 ** 48 - 1)),
      { nil: undefined },
    ),
  }),
  fc.record({ state: fc.constantFrom(...states) }),
  fc.record({ flag: fc.constantFrom(...flags), on: fc.boolean() }),
  fc.record({ deaths: fc.nat(255) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function put(table: ItemTable, entry: number, known: Known, made: Change): void {
  if ('print' in made) {
    known.print = made.print;
    table.setFingerprint(entry, ...made.print);
  } else if ('place' in made) {
    known.place = made.place;
    table.setPlace(entry, made.place);
  } else if ('state' in made) {
    known.state = made.state;
    table.setState(entry, made.state);
  } else if ('flag' in made) {
    if (made.on) known.flags.add(made.flag);
    else known.flags.delete(made.flag);
    table.set(entry, made.flag, made.on);
  } else {
    known.deaths = made.deaths;
    table.setDeaths(entry, made.deaths);
  }
}

function expectSame(table: ItemTable, all: readonly Known[]): void {
  expect(table.size).toBe(all.length);
  all.forEach(({ hi, lo, print, place, state, flags: set, deaths }, entry) => {
    expect(table.find(hi, lo)).toBe(entry);
    expect([table.keyHi(entry), table.keyLo(entry)]).toEqual([hi, lo]);
    expect(table.matches(entry, ...print)).toBe(true);
    expect(table.matches(entry, print[0], print[1] ^ 1)).toBe(false);
    expect([table.place(entry), table.state(entry), table.deaths(entry)]).toEqual([place, state, deaths]);
    expect(flags.filter((flag) => table.has(entry, flag))).toEqual(flags.filter((flag) => set.has(flag)));
  });
}

it('knows of each item what it was told last, and nothing of the others changes with it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, change), { maxLength: 200 }), (changes) => {
      const table = new ItemTable();
      const entries = new Map<string, number>();
      const all: Known[] = [];
      for (const [[hi, lo], made] of changes) {
        expect(table.find(hi, lo)).toBe(entries.get(`${hi} ${lo}`) ?? -1);
        const entry = table.add(hi, lo);
        if (!entries.has(`${hi} ${lo}`)) {
          expect(entry).toBe(all.length);
          entries.set(`${hi} ${lo}`, entry);
          all.push({ hi, lo, print: [0, 0], place: undefined, state: STATE.begun, flags: new Set(), deaths: 0 });
        }
        put(table, entry, all[entry] as Known, made);
      }
      expectSame(table, all);
      const copy = new ItemTable();
      const blocks = table.blocks();
      copy.fill(table.size, (block) => {
        block.set(blocks.next().value as Uint32Array);
      });
      expectSame(copy, all);
    }),
    { numRuns: 300 },
  );
});

it('takes at most 32 bytes an item, whatever their number, also when it is told how many will come', () => {
  const table = new ItemTable();
  let hi = 1;
  for (let i = 0; i < 1_000_000; i++) {
    hi = (Math.imul(hi, 1664525) + 1013904223) >>> 0;
    table.add(hi, i);
    if (i >= 10_000 && i % 97 === 0 && table.bytes > 32 * (i + 1)) expect(table.bytes / (i + 1)).toBeLessThan(32);
  }
  expect(table.size).toBe(1_000_000);
  for (const size of [10_000, 12_345, 100_000, 777_777]) {
    const told = new ItemTable();
    told.reserve(size);
    for (let i = 0; i < size; i++) told.add(Math.imul(i, 2654435761) >>> 0, i);
    expect(told.bytes / size, String(size)).toBeLessThanOrEqual(32);
  }
});

it('keeps places up to 2^48', () => {
  const table = new ItemTable();
  const entry = table.add(1, 2);
  table.set(entry, FLAG.emitted, true);
  for (const place of [0, 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 47, 2 ** 48 - 2]) {
    table.setPlace(entry, place);
    expect(table.place(entry)).toBe(place);
    expect(table.has(entry, FLAG.emitted)).toBe(true);
  }
  table.setPlace(entry, undefined);
  expect(table.place(entry)).toBeUndefined();
});
