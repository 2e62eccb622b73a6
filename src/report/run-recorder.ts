import { map, type OperatorFunction } from 'rxjs';
import type { Account } from '../core/account.js';
import { BatchxError } from '../core/errors.js';
import type { EventMap, StageState } from '../core/events.js';
import { type InputWatch, watchInputs } from '../core/in-use.js';
import type { Item, SkipReason } from '../core/item.js';
import type { Runtime } from '../core/runtime.js';
import type { Applied } from '../core/step.js';
import { Causes } from './causes.js';
import { ItemTimes, type Times } from './item-times.js';
import { counted, type StepKind, StepMeter, timed } from './step-meter.js';

/** A stage of the run, and where its concurrency comes from: one of its steps, the run as a whole, or neither. */
export interface StageFigures extends StageState {
  readonly from: 'step' | 'run' | 'usual';
}

export interface BreakerChange extends Omit<EventMap['batch:breaker'], 'name' | 'key'> {
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly breaker: string;
  readonly key: string | undefined;
}

type Dispatcher = Awaited<ReturnType<Runtime['dispatcher']>>;

/** The most folders, outputs and changes of breakers that are kept; more are only counted. */
const MOST = 1000;

/** The first of what there may be too much of. */
export class Firsts<T> {
  readonly list: T[] = [];
  count = 0;

  add(value: T): void {
    if (this.count++ < MOST) this.list.push(value);
  }
}

/**
 * Counts what a run does, from its events and by what it is asked to put around the steps.
 *
 * A step that works in memory is only counted, which costs next to nothing; one that reaches outside is timed as well.
 */
export class RunRecorder {
  readonly runtime: Runtime;
  readonly account: Account;
  readonly causes: Causes;
  readonly inputs: InputWatch;
  readonly steps: StepMeter[] = [];
  readonly stages: StageFigures[] = [];
  readonly skipped = new Map<SkipReason, number>();
  readonly breakers = new Firsts<BreakerChange>();
  readonly folders = new Firsts<string>();
  readonly warnings = new Firsts<EventMap['batch:warning']>();
  readonly outputs = new Firsts<{ readonly path: string; readonly bytes: number }>();
  /** The files that were written for one item each. */
  readonly files = { count: 0, bytes: 0 };
  bytesIn: number | undefined = undefined;
  requests = 0;
  throttled = 0;
  readonly times = new ItemTimes();
  /** Told of each item of the source that is settled, with its times if it has any. */
  onItem: ((outcome: EventMap['batch:item:end'], times: Times | undefined) => void) | undefined = undefined;
  /** When the run began and ended: by the clock of the scheduler, and the time of day. */
  began = { clock: 0, wall: 0 };
  ended = { clock: 0, wall: 0 };
  readonly #byName = new Map<string, StepMeter>();

  constructor(runtime: Runtime, account: Account) {
    this.runtime = runtime;
    this.account = account;
    const { events } = runtime;
    this.causes = new Causes(events);
    this.inputs = watchInputs(runtime);
    this.began = this.ended = this.#now();
    events.on('batch:start', () => (this.began = this.#now()));
    events.on('batch:end', () => (this.ended = this.#now()));
    events.on('batch:item:end', (outcome) => this.#settled(outcome));
    events.on('batch:attempt', ({ step, error }) => this.#of(step)?.triesAgain(retryOf(BatchxError.from(error))));
    events.on('batch:attempt:end', (attempt) => this.#attempted(attempt));
    events.on('batch:cache', ({ step, hit }) => this.#of(step)?.looked(hit));
    events.on('batch:wait:end', (wait) => this.#of(wait.step)?.waited(wait));
    events.on('batch:breaker', ({ name, key, ...change }) =>
      this.breakers.add({ ...change, at: runtime.wallNow(), breaker: name, key }),
    );
    events.on('batch:input', ({ bytes }) => (this.bytesIn = (this.bytesIn ?? 0) + bytes));
    events.on('batch:output', ({ path, bytes, item }) => {
      if (item === undefined) this.outputs.add({ path, bytes });
      else {
        this.files.count++;
        this.files.bytes += bytes;
      }
    });
    events.on('batch:warning', (warning) => this.warnings.add(warning));
    events.on('batch:folder', ({ path }) => this.folders.add(path));
  }

  /** What is counted of a step, in a name that no other one has. */
  step(name: string, verb: string, kind: StepKind): StepMeter {
    let own = name;
    for (let n = 2; this.#byName.has(own); n++) own = `${name}-${n}`;
    const meter = new StepMeter(own, verb, kind);
    this.steps.push(meter);
    this.#byName.set(own, meter);
    return meter;
  }

  /** A step whose items are counted, and timed where it is one of those. */
  around(step: Applied, meter: StepMeter): Applied {
    return meter.kind !== 'timed' ? counted(step, meter) : timed(step, meter, this.times, this.runtime.scheduler);
  }

  /** The same for an operator that changes how many items there are: `ok` is how many go on behind it. */
  aroundFlow(flow: OperatorFunction<Item, Item>, meter: StepMeter): OperatorFunction<Item, Item> {
    const enter = (item: Item): Item => {
      if (item.live) meter.in++;
      else if (item.error !== undefined) meter.failed--;
      else meter.skipped--;
      return item;
    };
    const leave = (item: Item): Item => {
      meter.count(item);
      return item;
    };
    return (items) => items.pipe(map(enter), flow, map(leave));
  }

  /** The same runtime, whose requests are counted. */
  counting(runtime: Runtime): Runtime {
    const made = new Map<Dispatcher, Dispatcher>();
    const count = (dispatcher: Dispatcher): Dispatcher =>
      dispatcher.compose((dispatch) => (options, handler) => {
        this.requests++;
        return dispatch(options, handler);
      });
    return {
      ...runtime,
      dispatcher: async (guarded) => {
        const dispatcher = await runtime.dispatcher(guarded);
        const known = made.get(dispatcher) ?? count(dispatcher);
        made.set(dispatcher, known);
        return known;
      },
    };
  }

  #of(step: string | undefined): StepMeter | undefined {
    return step === undefined ? undefined : this.#byName.get(step);
  }

  #attempted({ item, step, attempt, ms, error }: EventMap['batch:attempt:end']): void {
    const isThrottled = error instanceof BatchxError && error.class === 'throttled';
    if (isThrottled) this.throttled++;
    this.#of(step)?.attempted(attempt, ms, isThrottled);
    this.times.attempted(item);
  }

  #settled(outcome: EventMap['batch:item:end']): void {
    const { reason, status } = outcome;
    if (status === 'skipped' && reason !== undefined) this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
    const times = this.times.settled(outcome);
    this.onItem?.(outcome, times);
  }

  #now(): { readonly clock: number; readonly wall: number } {
    return { clock: this.runtime.scheduler.now(), wall: this.runtime.wallNow() };
  }
}

/** What a call is tried again after, in few words: how it ended, or what kind of error that was. */
function retryOf({ code, message }: BatchxError): string {
  const [, how] = /\b(?:answered|status|HTTP) (\d{3})\b/.exec(message) ?? [];
  if (how !== undefined) return how;
  const [exit] = /\b(?:exit code \d+|SIG[A-Z]+)\b/.exec(message) ?? [];
  return exit ?? code;
}
