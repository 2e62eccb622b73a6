import * as z from 'zod';
import { defineStep } from '../../core/define.js';
import { contentHash } from '../../core/cache/content-hash.js';
import { BatchxError } from '../../core/errors.js';
import { FileEntry } from '../../core/file-entry.js';
import { importDefault } from '../../core/import-module.js';
import type { StepDefinition } from '../../core/define.js';
import type { Runtime } from '../../core/runtime.js';
import { parseOptions, show } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';
import type { Item } from '../../core/item.js';
import type { StepFunction } from '../../core/step.js';

export const useOptions = z.strictObject({
  module: z
    .string()
    .min(1)
    .meta({ place: 'pipeline' })
    .describe(
      'The path of a module whose default export is a function of `data`, `item` and `slot`, or a step made by `defineStep`.',
    ),
  with: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('The options of such a step, or `slot.with` of a function.'),
});

/** What a module may export as a step: what it gives is the result, undefined drops the item as `filtered`. */
export type UsedFunction = (
  data: unknown,
  item: Item,
  slot: Slot & { readonly with: Readonly<Record<string, unknown>> },
) => unknown;

export const useStep = defineStep({
  name: 'use',
  main: 'module',
  status: 'stable',
  summary: 'Runs a step of your own: a function, or one made by `defineStep`, from a module.',
  gives: 'data',
  output: 'result',
  workers: 'processors',
  reachesOut: true,
  options: useOptions,
  examples: [{ title: 'A function of the data', options: { module: './resize.js', with: { width: 800 } } }],
  cacheKey:
    ({ module, with: given }) =>
    async ({ data, outputs }) => {
      const file = data instanceof FileEntry ? await contentHash(data.pathBytes ?? data.path) : undefined;
      return { module, code: await contentHash(module), given, data, file, outputs };
    },
  tell:
    ({ module }) =>
    () =>
      module,
  ready: load,
  create(options, runtime) {
    let loading: Promise<StepFunction> | undefined;
    let loaded: StepFunction | undefined;
    return (item, slot) => {
      if (loaded !== undefined) return loaded(item, slot);
      loading ??= load(options, runtime).then((run) => (loaded = run));
      return loading.then((run) => run(item, slot));
    };
  },
});

async function load({ module, with: given }: z.output<typeof useOptions>, runtime: Runtime): Promise<StepFunction> {
  const exported = await importDefault(module);
  if (typeof exported === 'function')
    return (item, slot) =>
      (exported as UsedFunction)(item.data, item, Object.assign(Object.create(slot) as Slot, { with: given }));
  const definition = exported as Partial<StepDefinition> | null;
  if (definition?.kind === 'step' && definition.create !== undefined && definition.options !== undefined)
    return resultOf(definition as StepDefinition, parseOptions(definition.options, given, module), runtime);
  throw new BatchxError(
    'usage',
    `${module}: expected its default export to be a function or a step, got ${show(exported)}`,
  );
}

/** What a step of the user's own gives is the result, whatever kind of step it is. */
function resultOf(definition: StepDefinition, options: Record<string, unknown>, runtime: Runtime): StepFunction {
  const run = definition.create(options, runtime);
  if (definition.gives === 'data') return run;
  throw new BatchxError(
    'usage',
    `${definition.name}: expected a step that gives data, got one that gives ${definition.gives === 'item' ? 'an item' : 'a verdict'}`,
  );
}
