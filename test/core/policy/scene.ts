import { from, type Observable, type Subscription } from 'rxjs';
import type { BatchxError } from '../../../src/core/errors.js';
import { Item } from '../../../src/core/item.js';
import { Outcome } from '../../../src/core/outcome.js';
import type { Slot } from '../../../src/core/slot.js';
import { step, type StepOptions } from '../../../src/operators/steps/step.js';
import type { FakeRuntime, FakeRuntimeOptions } from '../../../src/testing/fake-runtime.js';
import { Clock } from './play.js';

/** A call that a step makes: the item's name, how often it was made for it, and its slot. */
export interface Made {
  readonly name: string;
  readonly attempt: number;
  readonly slot: Slot;
}

/** What a call does. */
export type Behave = (made: Made, scene: Scene) => unknown;

export interface SceneOptions extends Omit<FakeRuntimeOptions, 'scheduler'> {
  /** Where the items come from; all at once unless said. */
  readonly source?: (items: Item<string>[], scene: Scene) => Observable<Item<string>>;
}

/**
 * Items on their way through a step on a clock of their own. `log` tells what happened when: `0 a` a call for the item
 * a, `20 a=ok` its end.
 */
export class Scene {
  readonly clock = new Clock();
  readonly runtime: FakeRuntime;
  readonly log: string[] = [];
  readonly items: Item<string>[];
  /** The items that came out, by name. */
  readonly out = new Map<string, Item>();
  /** How the stream ended. */
  end: 'complete' | BatchxError | undefined;
  /** How many calls run, and how many did at most. */
  running = 0;
  most = 0;
  readonly subscription: Subscription;
  readonly #attempts = new Map<string, number>();

  constructor(
    names: string,
    behave: Behave,
    options: StepOptions | ((scene: Scene) => StepOptions) = {},
    { source = (items) => from(items), ...runtime }: SceneOptions = {},
  ) {
    this.runtime = this.clock.runtime({ random: () => 0, ...runtime });
    this.items = names.split(' ').map((name, seq) => Item.of(name, { seq, id: name }));
    const call = (name: string, _item: Item<string>, slot: Slot): unknown => {
      const attempt = (this.#attempts.get(name) ?? 0) + 1;
      this.#attempts.set(name, attempt);
      this.log.push(`${this.clock.now} ${name}`);
      this.most = Math.max(this.most, ++this.running);
      let result: unknown;
      try {
        result = behave({ name, attempt, slot }, this);
      } catch (error) {
        this.running--;
        throw error;
      }
      if (!(result instanceof Promise)) {
        this.running--;
        return result;
      }
      const ended = (): void => {
        this.running--;
      };
      result.then(ended, ended);
      return result;
    };
    const operator = step(call, typeof options === 'function' ? options(this) : options, this.runtime);
    this.subscription = source(this.items, this)
      .pipe(operator)
      .subscribe({
        next: (item) => {
          this.out.set(item.id, item);
          const { status, error } = Outcome.of(item);
          this.log.push(`${this.clock.now} ${item.id}=${error === undefined ? status : `${status}: ${error.message}`}`);
        },
        error: (error: BatchxError) => {
          this.end = error;
          this.log.push(`${this.clock.now} error: ${error.message}`);
        },
        complete: () => {
          this.end = 'complete';
          this.log.push(`${this.clock.now} complete`);
        },
      });
  }

  /** Plays to the end, or up to a time; gives what happened. */
  async play(until?: number): Promise<string[]> {
    await this.clock.play(until);
    return this.log;
  }

  /** Does something at a time, before what else is due then. */
  at(time: number, act: () => void): this {
    this.clock.scheduler.schedule(act, time - this.clock.now);
    return this;
  }

  /** The items that did not come out. */
  get pending(): string[] {
    return this.items.map(({ id }) => id).filter((id) => !this.out.has(id));
  }

  /** How many timers there are. */
  get timers(): number {
    return this.clock.scheduler.actions.filter(({ closed }) => !closed).length;
  }

  /** Ends well after so many milliseconds. */
  async ok(ms: number, value: unknown = 'done'): Promise<unknown> {
    await this.clock.sleep(ms);
    return value;
  }

  async fail(ms: number, error: unknown): Promise<never> {
    await this.clock.sleep(ms);
    throw error;
  }

  /** Never ends, unless it listens to its signal: then so many milliseconds after that fires. */
  hang(slot?: Slot, after = 0): Promise<never> {
    const signal = slot?.signal;
    return new Promise((_, reject) => {
      signal?.addEventListener('abort', () => {
        void this.clock.sleep(after).then(() => reject(signal.reason as Error));
      });
    });
  }
}
