import { tap } from 'rxjs';
import * as z from 'zod';
import { type AnyDefinition, defineStep, type FlowDefinition, type StepDefinition } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import { Item } from '../core/item.js';
import { isPromiseLike } from '../core/promise.js';
import { given } from '../core/schema.js';
import type { Path } from './file/document.js';

/** Looks at each item, and lets it go on, or fails it. */
export const lookStep = defineStep({
  name: 'look',
  status: 'stable',
  summary: 'Looks at each item.',
  gives: 'item',
  options: z.strictObject({
    look: given<(item: Item) => Item | Promise<Item>>('a function', (value) => typeof value === 'function'),
  }),
  examples: [],
  create:
    ({ look }) =>
    (item) =>
      look(item),
});

/** Puts something in the place of what a step would give, which nobody looks at. */
export const blankStep = defineStep({
  name: 'blank',
  status: 'stable',
  summary: 'Stands for a step that is not done.',
  gives: 'data',
  options: z.strictObject({}),
  examples: [],
  create: () => () => '',
});

/** Which step has failed an item, by its error. */
export type Failing = WeakMap<BatchxError, Path>;

/** The same component under another name, which notes the items that fail in it. */
export function noting(definition: AnyDefinition, name: string, path: Path, failing: Failing): AnyDefinition {
  if (definition.kind === 'step') return notingStep(definition, name, path, failing);
  return definition.kind === 'flow' ? notingFlow(definition, name, path, failing) : definition;
}

function notingStep(definition: StepDefinition, name: string, path: Path, failing: Failing): StepDefinition {
  const note = (error: BatchxError): BatchxError => {
    failing.set(error, path);
    return error;
  };
  const seen = <T>(result: T): T => {
    if (result instanceof Item && result.error !== undefined) note(result.error);
    return result;
  };
  const fail = (error: unknown): never => {
    throw note(BatchxError.from(error));
  };
  return {
    ...definition,
    name,
    create(options, runtime) {
      const run = definition.create(options, runtime);
      return (item, slot) => {
        try {
          const result = run(item, slot);
          return isPromiseLike(result) ? Promise.resolve(result).then(seen, fail) : seen(result);
        } catch (error) {
          return fail(error);
        }
      };
    },
  };
}

const notingFlow = (definition: FlowDefinition, name: string, path: Path, failing: Failing): FlowDefinition => ({
  ...definition,
  name,
  create: (options, runtime) => {
    const flow = definition.create(options, runtime);
    return (items) =>
      items.pipe(
        flow,
        tap(({ error }) => {
          if (error !== undefined && !failing.has(error)) failing.set(error, path);
        }),
      );
  },
});
