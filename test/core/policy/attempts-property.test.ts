import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchxError } from '../../../src/core/errors.js';
import type { Item } from '../../../src/core/item.js';
import { Breaker } from '../../../src/core/policy/breaker.js';
import { Limiter } from '../../../src/core/policy/limiter.js';
import { Outcome } from '../../../src/core/outcome.js';
import type { Slot } from '../../../src/core/slot.js';
import { type Made, Scene } from './scene.js';

/** What one attempt does, and when it ends. */
interface Act {
  readonly does: 'ok' | 'fails' | 'stops' | 'ignores' | 'returns' | 'throws';
  readonly ms: number;
  readonly error: 'transient' | 'unprocessed' | 'permanent' | 'throttled' | 'ambiguous' | 'resource' | 'plain';
}

const acts: fc.Arbitrary<Act> = fc.record({
  does: fc.constantFrom('ok', 'ok', 'fails', 'fails', 'stops', 'ignores', 'returns', 'throws'),
  ms: fc.constantFrom(0, 1, 20, 150, 700, 1_400, 5_000),
  error: fc.constantFrom('transient', 'unprocessed', 'permanent', 'throttled', 'ambiguous', 'resource', 'plain'),
});

const HINT = 1_700;
const DAY = 3_600_000;

function errorOf({ error }: Act): Error {
  if (error === 'plain') return new Error('plain');
  return new BatchxError('http', error, { class: error, ...(error === 'throttled' && { retryAfterMs: HINT }) });
}

const worlds = fc.record({
  /** What the attempts of each item do; the last one over and over. */
  scripts: fc.array(fc.array(acts, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  maxWaiting: fc.constantFrom(0, 1, 2, 1000),
  ordered: fc.boolean(),
  effect: fc.constantFrom('writes' as const, 'once' as const),
  keys: fc.constantFrom(0, 1, 3),
  retry: fc.option(
    fc.record({
      retries: fc.integer({ min: 0, max: 3 }),
      initial: fc.constantFrom('0ms', '30ms', '900ms', '3s'),
      jitter: fc.constantFrom('full' as const, 'none' as const),
      maxThrottleWait: fc.constantFrom('0s', '4s'),
    }),
    { nil: undefined },
  ),
  timeout: fc.constantFrom(undefined, '100ms', '1s'),
  deadline: fc.constantFrom(undefined, '2s', '10s'),
  rate: fc.constantFrom(undefined, '1/s', '20/s'),
  breaker: fc.constantFrom(undefined, { window: 2, minCalls: 1, halfOpen: 1, open: '2s', maxOpen: '4s' } as const),
  end: fc.constantFrom('none' as const, 'stop' as const, 'unsubscribe' as const),
  at: fc.nat(8_000),
});

type World = typeof worlds extends fc.Arbitrary<infer W> ? W : never;

/** A call that was made. */
interface Call {
  readonly slot: Slot;
  readonly act: Act;
  running: boolean;
  /** The earliest time for the next one. */
  notBefore: number;
}

/** Plays a world, and looks at each call as it is made. */
class Trials {
  readonly scene: Scene;
  readonly wrong: string[] = [];
  limiter: Limiter | undefined;
  breaker: Breaker | undefined;
  /** The last call of each item. */
  readonly calls = new Map<string, Call>();
  readonly #world: World;
  #stopped = false;

  constructor(world: World) {
    this.#world = world;
    const { scripts, keys, rate, breaker, end, at } = world;
    const { concurrency, maxWaiting, ordered, effect, retry, timeout, deadline } = world;
    const key = (item: Item): string => `host ${item.seq % keys}`;
    this.scene = new Scene(
      scripts.map((_, n) => `i${n}`).join(' '),
      (made, scene) => this.#call(made, scene),
      ({ runtime }) => {
        if (rate !== undefined) this.limiter = new Limiter(rate, runtime);
        if (breaker !== undefined) this.breaker = new Breaker(breaker, runtime);
        return {
          ...{ concurrency, maxWaiting, ordered, effect, retry, timeout, deadline },
          ...{ rate: this.limiter, breaker: this.breaker },
          ...(keys > 0 && { key }),
        };
      },
      {
        source: (items, scene) => {
          const ends = { none: () => undefined, stop: () => scene.runtime.stop(), unsubscribe: () => this.#leave() };
          scene.at(at, () => {
            this.#stopped = end !== 'none';
            ends[end]();
            // No call is begun by those that are dropped, or by what they give back.
            if (end !== 'stop') this.#stopped = false;
          });
          return from(items);
        },
      },
    );
  }

  #leave(): void {
    const { scene } = this;
    scene.subscription.unsubscribe();
    // The timer of the timeouts is given up a turn later. What is left is of the calls themselves, which nobody can end.
    scene.at(scene.clock.now + 1, () => {
      if (scene.timers > scene.running) this.wrong.push(`${scene.timers} timers after it was unsubscribed from`);
    });
  }

  #call({ name, attempt, slot }: Made, scene: Scene): unknown {
    const { scripts, concurrency, effect } = this.#world;
    const script = scripts[Number(name.slice(1))] as Act[];
    const act = script[Math.min(attempt, script.length) - 1] as Act;
    const now = scene.clock.now;
    const before = this.calls.get(name);
    if (this.#stopped) this.wrong.push(`${name} was called at ${now}, when all was over`);
    if (scene.running > concurrency) this.wrong.push(`${scene.running} calls at ${now}`);
    if (before !== undefined) {
      if (before.running && !before.slot.signal.aborted) this.wrong.push(`two calls of ${name} at ${now}`);
      if (now < before.notBefore) this.wrong.push(`${name} was called at ${now}, not from ${before.notBefore} on`);
      const done = before.act.does === 'ok' || before.act.does === 'returns';
      if (done && !before.slot.signal.aborted) this.wrong.push(`${name} was called again after it went well`);
      if (effect === 'once' && (before.running || before.slot.signal.aborted || !isSure(before.act))) {
        this.wrong.push(`${name} was called again at ${now}, when it may have been done`);
      }
    }
    const call: Call = { slot, act, running: true, notBefore: 0 };
    this.calls.set(name, call);
    const end = (): void => {
      call.running = false;
      if (act.error === 'throttled') call.notBefore = scene.clock.now + HINT;
    };
    if (act.does === 'returns') return (end(), 'done');
    if (act.does === 'throws') {
      end();
      throw errorOf(act);
    }
    const signal = act.does === 'stops' ? slot.signal : undefined;
    const fails = act.does === 'fails';
    return scene.clock.sleep(act.ms, signal).then(
      () => {
        end();
        // Whether it is heard depends on the time.
        if (!fails || slot.signal.aborted) call.notBefore = 0;
        if (fails) throw errorOf(act);
        return 'done';
      },
      (reason: unknown) => {
        call.running = false;
        throw reason;
      },
    );
  }
}

/** Whether it is known of an attempt that failed so that nothing was done. */
const isSure = ({ error }: Act): boolean => error === 'unprocessed' || error === 'throttled' || error === 'resource';

/** One holds the permit of the breaker and waits for a slot, another the slot, and waits for the breaker. */
const behindEachOther: World = {
  scripts: [
    [{ does: 'throws', ms: 0, error: 'transient' }],
    [{ does: 'throws', ms: 0, error: 'throttled' }],
    [{ does: 'ok', ms: 0, error: 'transient' }],
  ],
  ...{ concurrency: 1, maxWaiting: 2, ordered: false, effect: 'writes', keys: 0, timeout: undefined },
  retry: { retries: 1, initial: '0ms', jitter: 'full', maxThrottleWait: '0s' },
  ...{ deadline: undefined, rate: '20/s', end: 'none', at: 0 },
  breaker: { window: 2, minCalls: 1, halfOpen: 1, open: '2s', maxOpen: '4s' },
};

describe('any calls under any policies', () => {
  it(
    'settle each item once or leave it pending, keep within the concurrency, and leave nothing behind',
    { timeout: 60_000 },
    () =>
      fc.assert(
        fc.asyncProperty(worlds, async (world) => {
          const trials = new Trials(world);
          const { scene, limiter, breaker } = trials;
          await scene.play(DAY);
          expect(trials.wrong).toEqual([]);
          const ends = scene.log.filter((line) => line.includes('=')).map((line) => line.split(/[ =]/)[1]);
          expect(new Set(ends).size).toBe(ends.length);
          expect(scene.out.size + scene.pending.length).toBe(world.scripts.length);
          expect(scene.most).toBeLessThanOrEqual(world.concurrency);
          if (world.end === 'none') {
            if (scene.end === 'complete') expect(scene.pending).toEqual([]);
            else expect(['output', 'halted']).toContain((scene.end as BatchxError).code);
          } else if (world.end === 'stop') expect(scene.end).toBeDefined();
          for (const item of scene.out.values()) {
            const { status } = Outcome.of(item);
            if (status === 'in-doubt') expect(world.effect).toBe('once');
            // Never called, refused, or known not to have been done.
            const last = trials.calls.get(item.id)?.act;
            if (status === 'failed' && world.effect === 'once' && last !== undefined) {
              expect(isSure(last) || last.error === 'permanent').toBe(true);
            }
          }
          expect([scene.timers, scene.running, limiter?.waiting ?? 0, breaker?.waiting ?? 0]).toEqual([0, 0, 0, 0]);
          for (let n = 0; n < 3; n++) expect(breaker?.of(`host ${n}`).waiting ?? 0).toBe(0);
          expect(getEventListeners(scene.runtime.stopping, 'abort')).toEqual([]);
        }),
        { numRuns: Number(process.env['RUNS'] ?? 150), examples: [[behindEachOther]] },
      ),
  );
});
