import { builtin } from './builtin.js';
import { defineSource } from './core/define.js';
import { BatchxError } from './core/errors.js';
import { Item } from './core/item.js';
import { lastResult } from './core/last-result.js';
import { SplitOrigin } from './core/origin.js';
import type { Outcome } from './core/outcome.js';
import { isPromiseLike } from './core/promise.js';
import { defaultRuntime, type Runtime } from './core/runtime.js';
import { show } from './core/schema.js';
import { checkedPipeline, openPipeline } from './pipeline/file/open-pipeline.js';
import { NOWHERE, nowhere } from './pipeline/nowhere.js';
import { runFile } from './pipeline/run-file.js';
import * as z from 'zod';

/** One item of a batch: what it is called, its data, and what is known of it. */
export interface BatchInput<T = unknown> {
  readonly id?: string;
  readonly data: T;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What became of one item. */
export interface BatchOutput<R = unknown> {
  readonly id: string;
  readonly success: boolean;
  readonly result?: R;
  readonly error?: string;
  /** How long it took, from when it was read to when it was settled, in milliseconds. */
  readonly metrics: { readonly ms: number };
}

/** What became of all of them. */
export interface BatchResult<R = unknown> {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Those that nothing has become of, as the run ended before. */
  readonly pending: number;
  /** Why it ended before its inputs did, if it did. */
  readonly halted?: string;
  /** In the order of the inputs; items that were skipped are left out. */
  readonly outputs: readonly BatchOutput<R>[];
  /** What the pipeline's aggregates made of the results. */
  readonly summary?: unknown;
  readonly metrics: { readonly ms: number; readonly skipped: number };
}

/**
 * Puts inputs through the steps of a pipeline, which may be a file or an object, and gives what became of each.
 *
 * The `result` of an input is that of the last step. Inputs that went on as a batch all have the result of the batch;
 * one that was split has the list of those of its parts. What is no `{ data }` rejects with its
 * place in the list: of an array before anything starts.
 *
 * The pipeline needs no input of its own, and one that it has is not read; its outputs are written. All results are
 * held until the end. A pipeline that is wrong rejects, and so does a run that could not go on.
 *
 * @example
 * import { runBatch } from 'batchx';
 *
 * const inputs = [{ id: 'a', data: { n: 1 } }, { id: 'b', data: { n: 'x' } }];
 * const check = { validate: { type: 'object', properties: { n: { type: 'number' } } } };
 * const { succeeded, outputs } = await runBatch(inputs, { steps: [check, { map: 'data.n * config.by' }] }, { by: 10 });
 * console.log(succeeded, outputs[0]?.result, outputs[1]?.success); // 1 10 false
 */
export async function runBatch<R = unknown>(
  inputs: Iterable<BatchInput> | AsyncIterable<BatchInput>,
  pipeline: string | object,
  config: Readonly<Record<string, unknown>> = {},
  runtime: Runtime = defaultRuntime(),
): Promise<BatchResult<R>> {
  checkInputs(inputs);
  const began = runtime.scheduler.now();
  const starts = new Map<number, number>();
  const outputs: (BatchOutput<R> & { readonly seq: number })[] = [];
  const results = new Results();
  const since = runtime.events.on('batch:item:start', ({ seq }) => starts.set(seq, runtime.scheduler.now()));
  const until = runtime.events.on('batch:item:end', (outcome) => {
    const { seq } = outcome.item;
    const ms = runtime.scheduler.now() - (starts.get(seq) ?? began);
    starts.delete(seq);
    const result = results.take(seq) as R;
    if (outcome.status !== 'skipped') outputs.push({ seq, ...outputOf<R>(outcome, result), metrics: { ms } });
  });
  const registry = builtin.with(inputsSource(inputs), results.sink);
  try {
    const opening = await openPipeline(pipeline, { config }, registry);
    const file = await checkedPipeline({ ...opening, keys: { ...opening.keys, input: { batchInputs: {} } } }, runtime);
    const end = await runFile(file, {
      registry,
      runtime,
      change: (plan) => ({ ...plan, sinks: [...plan.sinks, NOWHERE] }),
    });
    if (end.error !== undefined) throw end.error;
    const { read, ok, failed, inDoubt, skipped, pending } = end.counts;
    const { rule, error: why } = end.halted ?? {};
    const halted = rule?.said ?? why?.message;
    outputs.sort((a, b) => a.seq - b.seq);
    return {
      total: read,
      succeeded: ok,
      failed: failed + inDoubt,
      pending,
      ...(halted !== undefined && { halted }),
      outputs: outputs.map(({ seq: _, ...output }) => output as BatchOutput<R>),
      ...(end.aggregate !== undefined && { summary: end.aggregate }),
      metrics: { ms: runtime.scheduler.now() - began, skipped },
    };
  } finally {
    since();
    until();
  }
}

function outputOf<R>({ id, status, error }: Outcome, result: R): Omit<BatchOutput<R>, 'metrics'> {
  return status === 'ok' ? { id, success: true, result } : { id, success: false, error: error?.message ?? 'failed' };
}

const inputsSource = (inputs: Iterable<BatchInput> | AsyncIterable<BatchInput>) =>
  defineSource({
    name: 'batch-inputs',
    status: 'stable',
    summary: 'The inputs of a batch that code gives.',
    options: z.strictObject({}),
    examples: [],
    async *open() {
      let seq = 0;
      for await (const input of inputs) {
        const { id, data, metadata } = inputOf(input, seq);
        yield [
          Item.of(data, { seq: seq++, ...(id !== undefined && { id }), ...(metadata !== undefined && { metadata }) }),
        ];
      }
    },
  });

/** What can be known of the inputs before they are read: what is no iterable; and of an array all. */
function checkInputs(inputs: unknown): void {
  const isIterable = typeof inputs === 'object' && inputs !== null;
  if (!isIterable || !(Symbol.iterator in inputs || Symbol.asyncIterator in inputs))
    throw new BatchxError(
      'usage',
      `expected a list, or another iterable, of inputs, got ${isPromiseLike(inputs) ? 'a promise; await it' : show(inputs)}`,
    );
  if (Array.isArray(inputs)) inputs.forEach(inputOf);
}

/** An input as it has to be: what comes from code that is not checked may be anything. */
function inputOf(input: unknown, index: number): BatchInput {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
  const got = isObject ? `an object with ${Object.keys(input).join(', ') || 'nothing in it'}` : show(input);
  if (isObject && 'data' in input) return input;
  throw new BatchxError('usage', `inputs[${index}]: expected { data } with an id or metadata if wanted, got ${got}`);
}

/** What has come of each input, by its number: one result, or those of its parts. */
class Results {
  readonly sink = nowhere((item) => this.#add(item));
  readonly #of = new Map<number, unknown>();

  /** The result of an input that is settled. */
  take(seq: number): unknown {
    const found = this.#of.get(seq);
    this.#of.delete(seq);
    return found;
  }

  #add(item: Item): void {
    const result = lastResult(item);
    const inputs = inputsOf(item, false);
    for (const [seq, inParts] of inputs) {
      const before = this.#of.get(seq) as unknown[] | undefined;
      if (!inParts) this.#of.set(seq, result);
      else if (before === undefined) this.#of.set(seq, [result]);
      else before.push(result);
    }
  }
}

/** The numbers of the inputs that an item was made from, each with whether it is one of several parts. */
function inputsOf(item: Item, inParts: boolean, found = new Map<number, boolean>()): Map<number, boolean> {
  const { origin } = item.extra;
  if (origin?.parents === undefined) return found.set(item.seq, inParts || found.get(item.seq) === true);
  for (const parent of origin.parents) inputsOf(parent, inParts || origin instanceof SplitOrigin, found);
  return found;
}
