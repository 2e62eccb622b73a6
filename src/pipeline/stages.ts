import { map, type OperatorFunction, tap } from 'rxjs';
import { Cache } from '../core/cache/cache.js';
import { type CachedStep, cachedStep, uncacheable } from '../core/cache/cached-step.js';
import type { AnyDefinition, StepDefinition } from '../core/define.js';
import type { Events, StageState } from '../core/events.js';
import { BatchxError } from '../core/errors.js';
import type { Item } from '../core/item.js';
import { AdaptiveConcurrency } from '../core/policy/adaptive.js';
import { attempts, singly } from '../core/policy/attempts.js';
import { type StepCost, weighing } from '../core/policy/cost.js';
import type { Limiter } from '../core/policy/limiter.js';
import type { Policies } from '../core/policy/policies.js';
import type { Breaker } from '../core/policy/breaker.js';
import { type PolicyDefaults, policiesWith } from '../core/policy/policy-options.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { stage, type StageWatch } from '../core/stage.js';
import { type Applied, applied, type StepFunction } from '../core/step.js';
import type { RunRecorder } from '../report/run-recorder.js';
import type { StepKind } from '../report/step-meter.js';
import { type OnAlike, tellingAlike } from './alike.js';
import { camelCase } from './file/camel-case.js';
import { dryStep } from './dry-step.js';
import { intending, keptStep } from './kept-step.js';
import type { CacheUse, Plan, StepUse } from './plan.js';
import { usualWorkers } from './processors.js';
import { toldOnce } from './told-once.js';
import { beside, both, failingWith, inPlace, optional, when, withResult } from './step-wrappers.js';

type Operator = OperatorFunction<Item, Item>;

/** What those who watch the stages of a pipeline are told, and may tell it. */
export interface StagesWatch extends StageWatch {
  /** Told when every further call of a step would fail too. */
  readonly onAlike?: OnAlike | undefined;
  /** Counts what the steps do. */
  readonly recorder?: RunRecorder | undefined;
  /** Where each stage is put, for those who look at it while the run goes on. */
  readonly stages?: StageState[] | undefined;
  /** What each step does, with all before it, where what steps have done is kept: see `chainOf`. */
  readonly chain?: readonly string[] | undefined;
  /** Stands behind each operator that changes how many items there are, where what came of them is known. */
  readonly recall?: Operator | undefined;
}

/** Consecutive steps that share one slot for an item on its way through all of them. */
interface Group {
  readonly steps: Applied[];
  /** What they are called. */
  readonly names: string[];
  readonly concurrency: number | undefined;
  /** What finds it out instead, and the step by whose calls. */
  readonly adaptive: { readonly by: string; readonly of: AdaptiveConcurrency } | undefined;
  /** The least that one of its steps asks for, where none is said. */
  usual: number;
  ordered: boolean | undefined;
}

/**
 * The steps of a plan as operators: consecutive steps share a stage, one with a concurrency of its own begins another,
 * and so does one by whose calls it is found out; between them stand those that change how many items there are.
 */
export function stagesOf(plan: Plan, registry: Registry, runtime: Runtime, watch: StagesWatch): Operator[] {
  const { recorder } = watch;
  const operators: (Operator | Group)[] = [];
  let lastSplit = -1;
  for (const [index, use] of plan.steps.entries()) {
    if (use.kind === 'flow') {
      const definition = registry.get('flow', use.name);
      const flow = definition.create(parseOptions(definition.options, use.options, nameOf(use)), runtime);
      const meter = recorder?.step(nameOf(use), verbOf(definition), 'flow');
      const { onBegin } = watch;
      // To split an item is a part of what is done for it.
      if (definition.splits === true && onBegin !== undefined)
        operators.push(tap((item) => item.live && onBegin(item)));
      if (definition.splits === true) lastSplit = operators.length;
      operators.push(meter === undefined ? flow : (recorder?.aroundFlow(flow, meter) ?? flow));
      if (watch.recall !== undefined) operators.push(watch.recall);
      continue;
    }
    const definition = registry.get('step', use.name);
    const last = operators.at(-1);
    const adaptive = adaptiveFor(use, definition, plan);
    const own =
      use.concurrency !== undefined || adaptive !== undefined || typeof last === 'function' || last === undefined;
    const meter = recorder?.step(nameOf(use), verbOf(definition), kindOf(use, definition));
    const name = meter?.name ?? nameOf(use);
    const { concurrency } = use;
    const group: Group = own
      ? {
          steps: [],
          names: [],
          concurrency: typeof concurrency === 'object' ? concurrency.max : concurrency,
          adaptive: adaptive && { by: name, of: adaptive },
          usual: Infinity,
          ordered: undefined,
        }
      : last;
    if (own) operators.push(group);
    const counted = (step: Applied): Applied => (meter === undefined ? step : (recorder?.around(step, meter) ?? step));
    const onLimiter = meter && ((limiter: Limiter): void => void (meter.limiter = limiter));
    const keeps = definition.reachesOut === true;
    const link = keeps ? watch.chain?.[index + 1] : undefined;
    const known = { name, counted, adaptive, onAlike: watch.onAlike, onLimiter, link };
    group.steps.push(stepOf(use, definition, known, registry, runtime));
    group.names.push(name);
    group.usual = Math.min(group.usual, workersFor(definition));
    group.ordered ??= use.ordered;
  }
  if (operators.length > 0 && plan.steps.some(({ output }) => output !== undefined)) operators.push(map(withResult));
  const lastStage = operators.findLastIndex((each) => typeof each !== 'function');
  // Where items may be for some time: what comes before it is done as soon as it is begun.
  const firstSlow = operators.findIndex((each) => typeof each !== 'function' && Number.isFinite(each.usual));
  return operators.map((each, index) => {
    if (typeof each === 'function') return each;
    const from = each.concurrency !== undefined ? 'step' : plan.concurrency !== undefined ? 'run' : 'usual';
    const {
      steps,
      names,
      adaptive,
      concurrency = capOf(plan) ?? (Number.isFinite(each.usual) ? each.usual : 4),
    } = each;
    const caps = adaptive === undefined ? concurrency : told(adaptive.of, adaptive.by, runtime);
    // Rows that only go through memory stay as they came: nobody expects anything else, and nothing is slower for it.
    const ordered = each.ordered ?? plan.ordered ?? (from === 'usual' && !Number.isFinite(each.usual));
    const options = { concurrency: caps, ordered, stop: runtime.stopping };
    const counts = { begun: 0, ended: 0, ok: 0, failed: 0, skipped: 0 };
    const state = {
      get concurrency() {
        return adaptive?.of.cap ?? concurrency;
      },
      from,
      steps: names,
      counts,
    } as const;
    recorder?.stages.push(state);
    watch.stages?.push(state);
    // Items are done once the last stage has let them go.
    const onBegin = index === firstSlow || index < lastSplit ? watch.onBegin : undefined;
    const onEnd = index === lastStage ? watch.onEnd : undefined;
    return stage(steps, options, 'stage', { ...watch, counts, onBegin, onEnd });
  });
}

const capOf = ({ concurrency }: Plan): number | undefined =>
  typeof concurrency === 'object' ? concurrency.max : concurrency;

/** What finds out the concurrency by the calls of a step: as it says itself, or, where it reaches outside, the plan. */
function adaptiveFor(use: StepUse, { reachesOut }: StepDefinition, plan: Plan): AdaptiveConcurrency | undefined {
  const said = use.concurrency ?? (reachesOut === true ? plan.concurrency : undefined);
  return typeof said === 'object' ? new AdaptiveConcurrency(said) : undefined;
}

/** The caps as they are found out, and those who listen are told of them. */
const told = ({ caps }: AdaptiveConcurrency, step: string, { events }: Runtime) =>
  caps.pipe(tap((cap) => events.emit('batch:concurrency', { step, cap })));

const nameOf = ({ label, name }: StepUse): string => label ?? name;

const workersFor = ({ workers }: StepDefinition): number =>
  workers === undefined ? Infinity : workers === 'processors' ? usualWorkers() : workers;

const verbOf = ({ verb, name }: AnyDefinition): string => verb ?? camelCase(name);

/** To read a clock costs more than what works in memory takes itself. */
const kindOf = ({ policies }: StepUse, { workers, reachesOut }: StepDefinition): StepKind =>
  policies !== undefined || workers !== undefined || reachesOut === true ? 'timed' : 'counted';

/** What a step is called in the run, and what counts its items. */
interface Known {
  readonly name: string;
  readonly counted: (step: Applied) => Applied;
  readonly adaptive: AdaptiveConcurrency | undefined;
  readonly onAlike: OnAlike | undefined;
  /** Told of the rate of its calls. */
  readonly onLimiter: ((limiter: Limiter) => void) | undefined;
  /** By what it is known what it has made of an item, where that is kept. */
  readonly link: string | undefined;
}

function stepOf(
  use: StepUse,
  definition: StepDefinition,
  { name, counted, adaptive, onAlike, onLimiter, link }: Known,
  registry: Registry,
  runtime: Runtime,
): Applied {
  const { output, optional: mayFail, cache } = use;
  const seen = { ...runtime, context: use.context ?? runtime.context };
  const options = parseOptions(definition.options, use.options, nameOf(use));
  const dry = use.tell && dryStep(definition, options, seen, { step: name, output, tell: use.tell });
  if (dry !== undefined) return use.when === undefined ? dry : when(dry, use.when);
  const run = definition.create(options, seen);
  const timed = kindOf(use, definition) === 'timed';
  const defaults = definition.policies?.(options, seen);
  const cost = definition.cost?.(options) ?? costOf(use);
  const call = triedBy(use, { name: timed ? name : undefined, adaptive, defaults, cost, onLimiter }, run, runtime);
  const { gives } = definition;
  const cached = cache === undefined ? call : cachedStep(call, gives, cacheFor(cache, name, definition, options, seen));
  const given = cache === undefined ? gives : 'item';
  const { durable } = runtime;
  const called =
    durable === undefined || link === undefined
      ? applied(cached, given)
      : applied(keptStep(cached, given, link, remakes(use, definition), durable), 'item');
  // A step that may fail ends nothing.
  const tell = (error: BatchxError, times: number): void => onAlike?.(hiding(error, runtime), times);
  const tried = onAlike === undefined || mayFail === true ? called : tellingAlike(called, defaults?.server, tell);
  let step = use.accepts === undefined ? tried : both(contract(use, 'accepts', registry, runtime), tried);
  if (use.returns !== undefined) step = both(step, contract(use, 'returns', registry, runtime));
  step = failingWith(step, (error) => hiding(error, runtime));
  step = counted(output === undefined ? inPlace(step, gives) : beside(step, output, gives));
  if (use.when !== undefined) step = when(step, use.when);
  if (mayFail !== true) return step;
  return optional(
    step,
    toldOnce((items) => `${nameOf(use)} failed for ${items}, which went on without it`, runtime),
  );
}

/** Whether a step is done again where its files are not there any more: unless that must not be. */
const remakes = ({ options, policies }: StepUse, { writes }: StepDefinition): boolean =>
  policies?.effect !== 'once' && writes?.options.some((name) => options[name] !== undefined) === true;

/** What a step is cached by. */
function cacheFor(
  { dir, ttl, of, key }: CacheUse,
  name: string,
  definition: StepDefinition,
  options: Record<string, unknown>,
  runtime: Runtime,
): CachedStep {
  const cache = new Cache({ ...(dir !== undefined && { dir }), ...(ttl !== undefined && { ttl }) }, runtime);
  // Asked in any case: it throws for options with which results cannot be kept.
  const usual = definition.cacheKey?.(options, runtime);
  if (usual === undefined) throw new BatchxError('usage', uncacheable(definition));
  const dependsOn = key ?? usual;
  return { cache, name, keyOf: async (item) => [of, await dependsOn(item)] };
}

/** What there is to know of the calls of a step besides what its user says of them. */
interface Trying {
  readonly name: string | undefined;
  readonly adaptive: AdaptiveConcurrency | undefined;
  /** How the step itself wants them to be tried. */
  readonly defaults: PolicyDefaults | undefined;
  readonly cost: StepCost | undefined;
  readonly onLimiter: Known['onLimiter'];
}

function triedBy(
  { policies, key, ...use }: StepUse,
  { name, adaptive, defaults, cost, onLimiter }: Trying,
  run: StepFunction,
  runtime: Runtime,
): StepFunction {
  if (policies === undefined && adaptive === undefined && defaults === undefined)
    return name === undefined ? run : singly(run, name, runtime);
  const said = policiesWith(defaults ?? {}, policies ?? {}, runtime, nameOf(use));
  const { limiter } = said;
  const weighed = cost !== undefined && limiter?.weighs === true ? weighing(cost, limiter) : undefined;
  const tried = { ...said, ...weighed, key, name, adaptive };
  tellBreaker(tried, runtime);
  // Where each key has its own, or calls weigh something else than one, it does not tell how many there can be.
  if (limiter !== undefined && key === undefined && said.weight === undefined) onLimiter?.(limiter);
  const { durable } = runtime;
  const once = durable !== undefined && !said.repeatable;
  return attempts(once ? intending(run, name ?? nameOf(use), durable) : run, tried, runtime);
}

/** What a file says of the cost of a call; what is no number fails the item when it is asked for. */
function costOf({ cost }: StepUse): StepCost | undefined {
  if (cost === undefined) return undefined;
  return { before: typeof cost === 'number' ? () => cost : (item) => cost(item.data, item) as number };
}

/** Tells of what the breaker of a step does; of one that several steps share only once. */
function tellBreaker({ breaker, name = 'step' }: Policies, { events }: Runtime): void {
  if (breaker === undefined || watched.get(breaker) === events) return;
  watched.set(breaker, events);
  breaker.on(({ from, to, reason, calls, failures }, key) => {
    events.emit('batch:breaker', { name: breaker.name ?? name, key, from, to, reason, calls, failures });
  });
}

/** To whom the changes of a breaker are told already. */
const watched = new WeakMap<Breaker, Events>();

/** The step that checks what goes in, or comes out: as any other, found by its name. */
function contract(use: StepUse, which: 'accepts' | 'returns', registry: Registry, runtime: Runtime): Applied {
  const definition = registry.get('step', CONTRACT);
  const name = nameOf(use);
  const run = definition.create(parseOptions(definition.options, { schema: use[which] }, `${name}.${which}`), runtime);
  const step = applied(run, definition.gives);
  if (use.lenient === true) {
    const tell = toldOnce((items) => `${items} went on that did not fit what ${name} ${which}`, runtime);
    return optional(step, (error, item) => tell(hiding(error, runtime), item));
  }
  const breach = ({ code, message, cause }: BatchxError): BatchxError =>
    new BatchxError(code, `not what ${name} ${which}: ${message}`, { class: 'permanent', cause });
  return failingWith(step, (error) => (error.code === 'validation' ? breach(error) : error));
}

const CONTRACT = 'validate';

/** An error without the secrets that others may have put into its message. It stays what it is. */
function hiding(error: BatchxError, runtime: Runtime): BatchxError {
  const message = runtime.redact(error.message);
  if (message !== error.message) error.message = message;
  return error;
}
