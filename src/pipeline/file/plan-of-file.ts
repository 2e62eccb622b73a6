import { dirname } from 'node:path';
import type * as z from 'zod';
import type { AggregateSpec } from '../../core/aggregator.js';
import type { Item } from '../../core/item.js';
import type { CacheOptions } from '../../core/cache/cache.js';
import { metaOf } from '../../core/option-meta.js';
import type { AdaptiveOptions } from '../../core/policy/adaptive.js';
import { Breaker } from '../../core/policy/breaker.js';
import type { BreakerOptions } from '../../core/policy/breaker-options.js';
import { Limiter } from '../../core/policy/limiter.js';
import type { PolicyOptions } from '../../core/policy/policy-options.js';
import { type Rate, type TokenRateOptions, toRate } from '../../core/rate.js';
import type { Runtime } from '../../core/runtime.js';
import { toHaltRules } from '../halt-rule.js';
import type { CacheUse, Plan, StepUse, Use } from '../plan.js';
import { workersOf } from '../processors.js';
import { contextIn } from './context.js';
import type { PipelineContext } from './pipeline-context.js';
import { optionsIn } from './forms.js';
import { knownNames, outputOf } from './known-names.js';
import { asKeys, entriesOf, type Entry, type Keys, type PipelineFile, textOf } from './pipeline-file.js';
import { bound, filledIn, placedIn, prepareOptions } from './prepare-options.js';
import { type Said, saidOf, sharedBy } from './scopes.js';

/** What a pipeline file comes down to. */
export interface FilePlan {
  readonly plan: Plan;
  /** What is made of all results at the end; undefined when nothing is. */
  readonly aggregate: AggregateSpec | undefined;
  /** The folders that outputs lie in. */
  readonly folders: readonly string[];
  /** Where the report goes. */
  readonly report: string | undefined;
}

/** Brings a pipeline without faults into the form that is compiled. Rates and breakers are made here, to be shared. */
export function planOfFile(file: PipelineFile, context: PipelineContext, runtime: Runtime): FilePlan {
  return new Planner(file, context, runtime).plan();
}

/** The component that `filter` of an input is. */
const FILTER = 'filter';

class Planner {
  readonly #file: PipelineFile;
  readonly #context: PipelineContext;
  readonly #runtime: Runtime;
  readonly #limiters = new Map<string, Limiter>();
  readonly #breakers = new Map<string, Breaker>();
  /** How many steps of a name have a cache with a key. */
  readonly #cached = new Map<string, number>();

  constructor(file: PipelineFile, context: PipelineContext, runtime: Runtime) {
    this.#file = file;
    this.#context = context;
    this.#runtime = runtime;
  }

  plan(): FilePlan {
    const { name, keys } = this.#file;
    const [source] = entriesOf(this.#file, 'input');
    const filter = source?.form.common.has('filter') === true ? textOf(source.value.filter) : undefined;
    const limit = source?.form.common.has('limit') === true ? source.value.limit : undefined;
    const first: StepUse[] =
      filter === undefined ? [] : [{ name: FILTER, options: { expression: this.#bound(filter, []) } }];
    const outputs = entriesOf(this.#file, 'output');
    const aggregates = entriesOf(this.#file, 'aggregate');
    const halt = textOf(keys.halt);
    const rules = halt === undefined ? [] : toHaltRules(halt);
    const strict = { when: 'now', why: 'fail', amount: 1, percent: false, said: 'mode: strict' } as const;
    const { concurrency } = keys;
    const plan: Plan = {
      name,
      sources: source === undefined ? [] : [this.#use(source, [])],
      limit: typeof limit === 'number' ? limit : undefined,
      steps: [...first, ...this.#steps()],
      concurrency: concurrencyOf(concurrency),
      ordered: undefined,
      haltInTurn: staysInOrder(entriesOf(this.#file, 'steps')),
      halt: keys.mode === 'strict' ? [strict, ...rules] : rules,
      sinks: outputs.map((entry) => this.#use(entry, this.#outputs())),
    };
    const report = asKeys(
      (Array.isArray(keys.output) ? (keys.output as unknown[]) : []).find((each) => 'report' in asKeys(each)),
    );
    const said = textOf(filledIn(report.report, this.#context));
    const place = said === undefined ? undefined : placedIn(this.#outputRoot(), said);
    const root = this.#outputRoot();
    return {
      plan: { ...plan, writes: [root, place].filter((path) => path !== undefined) },
      aggregate:
        aggregates.length === 0 ? undefined : Object.fromEntries(aggregates.map((entry) => this.#aggregate(entry))),
      folders: this.#folders(plan.sinks, place),
      report: place,
    };
  }

  #steps(): StepUse[] {
    const known = knownNames(this.#file, undefined);
    return entriesOf(this.#file, 'steps').map((entry, index) => {
      const outputs = known[index]?.outputs ?? [];
      const { form, value } = entry;
      const own = (key: string): unknown => (form.common.has(key) ? value[key] : undefined);
      const whether = textOf(own('when'));
      const context = contextIn(entry, this.#context, this.#runtime);
      const { policies, key } = this.#policies(entry, outputs, context);
      return {
        ...this.#use(entry, outputs, context),
        context: entry.recipe === undefined ? undefined : context,
        // Where it writes to is a part of what it does.
        says: [form.verb, optionsIn(form, value), 'writes' in form.definition ? this.#file.keys.outputRoot : undefined],
        kind: form.definition.kind === 'flow' ? ('flow' as const) : undefined,
        label: textOf(own('name')),
        policies,
        key,
        cost: this.#cost(own('cost'), outputs, context),
        concurrency: concurrencyOf(this.#concurrency(entry)),
        cache: this.#cache(entry, outputs, context),
        ordered: own('ordered') as boolean | undefined,
        output: outputOf(entry),
        when: whether === undefined ? undefined : this.#bound(whether, outputs, context),
        optional: own('optional') === true && this.#file.keys.mode === 'best-effort',
        accepts: own('accepts'),
        returns: own('returns'),
        lenient: this.#file.keys.mode === 'best-effort',
      };
    });
  }

  #use({ form, value, recipe }: Entry, outputs: readonly string[], context = this.#context): Use {
    const { definition } = form;
    const folder = recipe?.file.folder ?? this.#file.folder;
    const to = { context, outputs, outputRoot: this.#outputRoot(), folder };
    return { name: definition.name, options: prepareOptions(definition.options, optionsIn(form, value), to) };
  }

  #aggregate(entry: Entry): [string, AggregateSpec[string]] {
    const { name, options } = this.#use(entry, this.#outputs());
    return [textOf(entry.value.name) ?? entry.form.verb, { [name]: options }];
  }

  #folders(sinks: readonly Use[], report: string | undefined): string[] {
    const root = this.#outputRoot();
    const paths = entriesOf(this.#file, 'output').flatMap(({ form: { definition } }, index) =>
      Object.entries(definition.options.shape as Record<string, z.ZodType>).flatMap(([key, option]) => {
        const path = sinks[index]?.options[key];
        return metaOf(option).place === 'output' && typeof path === 'string' && path !== '-' ? [dirname(path)] : [];
      }),
    );
    return [
      ...new Set([...(root === undefined ? [] : [root]), ...paths, ...(report === undefined ? [] : [dirname(report)])]),
    ];
  }

  #outputRoot(): string | undefined {
    return textOf(filledIn(this.#file.keys.outputRoot, this.#context));
  }

  #outputs(): readonly string[] {
    return knownNames(this.#file, undefined).at(-1)?.outputs ?? [];
  }

  #bound(text: string, outputs: readonly string[], context = this.#context) {
    // Another text is another condition to a job: the function alone does not tell.
    return Object.assign(bound(text, ['data', 'item'], { context, outputs }), { source: text });
  }

  /** Its own, or that of its recipe; that of the whole holds for all together. */
  #concurrency(entry: Entry): unknown {
    const { value, top } = saidOf(this.#file, entry, 'concurrency');
    return top === this.#file ? undefined : value;
  }

  /** How the calls of a step are tried: as it says itself, or, where it reaches outside, as the top of its pipeline says. */
  #policies(
    entry: Entry,
    outputs: readonly string[],
    context: PipelineContext,
  ): { policies?: PolicyOptions; key?: (item: Item) => string } {
    if (entry.form.definition.kind !== 'step') return {};
    const said = (key: string): unknown => saidOf(this.#file, entry, key).value;
    const { rate, key } = this.#rate(saidOf(this.#file, entry, 'rate'), outputs, context);
    const effect = said('effect');
    const policies: PolicyOptions = {
      ...present('timeout', said('timeout') as string | undefined),
      ...present('deadline', said('deadline') as string | undefined),
      ...present('retry', said('retry') as PolicyOptions['retry']),
      ...present('breaker', this.#breaker(saidOf(this.#file, entry, 'breaker'))),
      ...present('rate', rate),
      ...(effect !== undefined && { effect: effect === 'once' ? 'once' : 'writes' }),
    };
    return { ...(Object.keys(policies).length > 0 && { policies }), ...(key !== undefined && { key }) };
  }

  /** With a key of its own a step has to be told from others by its name; otherwise by all that it does. */
  #cache({ form, value }: Entry, outputs: readonly string[], context: PipelineContext): CacheUse | undefined {
    const given = form.common.has('cache') ? value.cache : undefined;
    if (given === undefined || given === false) return undefined;
    const { key, ...place } = asKeys(filledIn({ ...asKeys(given), key: undefined }, context)) as CacheOptions & Keys;
    const said = textOf(asKeys(given).key);
    if (said === undefined) return { ...place, of: [form.verb, optionsIn(form, value)] };
    const name = textOf(value.name) ?? form.verb;
    const nth = (this.#cached.get(name) ?? 0) + 1;
    this.#cached.set(name, nth);
    return { ...place, of: [this.#file.name, name, nth], key: this.#keyOf(said, outputs, context) };
  }

  #rate(
    { value: given, scopes }: Said,
    outputs: readonly string[],
    context: PipelineContext,
  ): { rate?: Limiter; key?: (item: Item) => string } {
    if (given === undefined) return {};
    const shared = textOf(given);
    const name = shared?.includes('/') === true ? undefined : shared;
    const found = name === undefined ? undefined : sharedBy(scopes, 'rates', name);
    const value = found === undefined ? given : found.value;
    const { per } = asKeys(value);
    const key = typeof per === 'string' ? { key: this.#keyOf(per, outputs, context) } : {};
    const make = (): Limiter => Object.assign(new Limiter(rateOf(value), this.#runtime), { name });
    return { rate: found === undefined ? make() : remembered(this.#limiters, placeOf(found.of, name), make), ...key };
  }

  #cost(given: unknown, outputs: readonly string[], context: PipelineContext): StepUse['cost'] {
    return typeof given === 'string' ? this.#bound(given, outputs, context) : (given as number | undefined);
  }

  #keyOf(per: string, outputs: readonly string[], context: PipelineContext): (item: Item) => string {
    const run = bound(per, ['data', 'item'], { context, outputs });
    return (item) => String(run(item.data, item));
  }

  #breaker({ value: given, scopes }: Said): PolicyOptions['breaker'] {
    const name = textOf(given);
    const found = name === undefined ? undefined : sharedBy(scopes, 'breakers', name);
    if (found === undefined) return given as PolicyOptions['breaker'];
    const make = (): Breaker => Object.assign(new Breaker(found.value as BreakerOptions, this.#runtime), { name });
    return remembered(this.#breakers, placeOf(found.of, name), make);
  }
}

/** Whether rows go out in the order in which they came, and no call has effects of its own. */
const staysInOrder = (steps: readonly Entry[]): boolean =>
  steps.some(({ value }) => value.ordered === true) &&
  steps.every(
    ({ form: { definition }, value }) =>
      definition.kind === 'step' &&
      value.ordered === true &&
      definition.reachesOut !== true &&
      definition.workers === undefined,
  );

function concurrencyOf(given: unknown): StepUse['concurrency'] {
  if (typeof given !== 'object' || given === null)
    return given === undefined ? given : workersOf(given as number | string);
  const { max, min } = given as AdaptiveOptions;
  return { max, ...(min !== undefined && { min }) };
}

/** What a name means where it is defined: one recipe may be done more than once, and two may have the same name. */
const placeOf = ({ document }: PipelineFile, name = ''): string => `${document.name}\n${name}`;

function remembered<T>(made: Map<string, T>, name: string, make: () => T): T {
  const found = made.get(name) ?? make();
  made.set(name, found);
  return found;
}

const present = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  (value === undefined ? {} : { [key]: value }) as Partial<Record<K, V>>;

/** A rate as a file says it, as a limiter takes it. */
function rateOf(value: unknown): Rate {
  if (typeof value === 'string') return value;
  if ('tokens' in asKeys(value)) {
    const { per: _, ...rate } = value as TokenRateOptions & Keys;
    return rate;
  }
  const { limit, burst } = value as { limit: string; burst?: number };
  const { limit: calls, perMs } = toRate(limit);
  return { limit: calls, per: `${perMs}ms`, ...(burst !== undefined && { burst }) };
}
