import { compileExpression } from '../../core/expression.js';
import { rateText, toRate } from '../../core/rate.js';
import { showMs } from '../../core/show-ms.js';
import type { Fault } from './document.js';
import { asKeys, type Entry, type PipelineFile, textOf } from './pipeline-file.js';
import { saidOf, sharedBy } from './scopes.js';

/**
 * What is wrong with the cost of a step: one that its rate never lets through, as far as it is the same for all items, one
 * that no rate counts, and none where the rate of the step counts it.
 */
export function costFaults(file: PipelineFile, entry: Entry, names: readonly string[]): Fault[] {
  const { form, path, value, recipe } = entry;
  const { definition } = form;
  if (definition.kind !== 'step' || !form.common.has('rate')) return [];
  const document = recipe?.file.document;
  const { value: rate, scopes } = saidOf(file, entry, 'rate');
  const name = textOf(rate);
  const text = textOf(asKeys(name === undefined ? rate : sharedBy(scopes, 'rates', name)?.value).tokens);
  const cost: unknown = value.cost;
  if (text === undefined) {
    if (cost === undefined || !form.common.has('cost')) return [];
    const message = 'it says what a call takes of a rate that has `tokens`, and this step has no such rate';
    return [{ document, path: [...path, 'cost'], key: true, message }];
  }
  const counts = name === undefined ? 'its rate counts tokens' : `the rate \`${name}\` counts tokens`;
  if (cost === undefined) {
    if (value.rate === undefined) return [];
    const message = `${counts}, and the step does not say what a call takes of them: add \`cost\`, a number or an expression such as \`data.text.length / 4\``;
    return [{ document, path: [...path, 'rate'], message }];
  }
  const { limit, perMs } = rateText().safeParse(text).success ? toRate(text) : { limit: Infinity, perMs: 0 };
  const always = constantOf(cost, names, asKeys((recipe ?? { config: file.keys.config }).config));
  if (always === undefined || always <= limit) return [];
  const of = name === undefined ? 'its rate' : `the rate \`${name}\``;
  const message = `no call can be made: it costs ${number(always)}, and all that ${of} lets through in ${showMs(perMs)} is ${number(limit)}`;
  return [{ document, path: [...path, 'cost'], message }];
}

const number = (value: number): string => value.toLocaleString('en');

/** What the names stand for that have another value for each item: who looks at it does not give the same for all. */
const refuse = (): never => {
  throw new Error('not known');
};
const unknown: unknown = new Proxy(refuse, { get: refuse, has: refuse, ownKeys: refuse });

/** What a cost is that is the same for all items; undefined when it is not, or cannot be known. */
function constantOf(cost: unknown, outputs: readonly string[], config: object): number | undefined {
  if (typeof cost === 'number') return cost;
  if (typeof cost !== 'string') return undefined;
  try {
    const constants = { config, env: unknown, run: unknown };
    const names = ['data', 'item', ...outputs];
    // Of an answer there is nothing before there is one.
    const run = compileExpression(`((response) => (${cost}\n))(undefined)`, names, constants);
    const value = run(...names.map(() => unknown));
    return typeof value === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}
