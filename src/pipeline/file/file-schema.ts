import * as z from 'zod';
import { breakerOptions } from '../../core/policy/breaker-options.js';
import type { Registry } from '../../core/registry.js';
import { haltRule } from '../halt-rule.js';
import { type Form, formsOf, inputKeys } from './forms.js';
import { named, policyKeys, rateValue, stepKeys } from './keys.js';

/** The parts of a pipeline file that are made of components. */
export type Part = 'input' | 'steps' | 'output' | 'aggregate';

/** What a pipeline file may be, for the components of a registry. */
export interface FileSchema {
  readonly schema: z.ZodObject;
  readonly forms: Readonly<Record<Part, readonly Form[]>>;
  /** The keys of entries that are no components, such as `report` among the outputs; their forms come last. */
  readonly special: Readonly<Record<Part, readonly string[]>>;
}

/** Keys that are known of but that this version does not do: they are refused by name, never passed over. */
export const NOT_YET: Readonly<Record<string, string>> = {
  admission: 'starting nothing new when the machine is short of memory',
  after: 'steps that run once at the end',
  batches: 'named batches',
  before: 'steps that run once at the start',
  budget: 'budgets',
  dependsOn: 'dependencies between items',
  hooks: 'hooks',
  job: 'durable jobs',
  journal: 'durable jobs',
  keep: 'keeping intermediate results',
  notify: 'notifications',
  priority: 'priorities',
  prompt: 'calls of language models',
  sample: 'samples',
  threads: 'worker threads',
  touches: 'items that must not touch one file at once',
  watch: 'watching folders',
};

const aggregateKeys = {
  name: named('a name').optional().describe('What its value is called in the report; its verb unless said.'),
};

const isText = () => z.string().min(1, 'expected text, got empty text');

const listOf = (what: string) => z.array(isText()).describe(what);

/** The report of the run, as an output. */
const reportForm = z
  .strictObject({ report: isText().describe('Where to write the report of the run, as JSON.') })
  .meta({ title: 'report', description: 'Writes the report of the run.' });

/** The steps of another pipeline, in the place of a step. */
const recipeForm = z
  .strictObject({
    pipeline: isText().describe(
      'The path of another pipeline, seen from the folder of this one: its steps are done here.',
    ),
    with: z.record(z.string(), z.unknown()).optional().describe('Values for its config.'),
  })
  .meta({ title: 'pipeline', description: 'The steps of another pipeline.' });

/** Makes the schema of pipeline files: their only definition. */
export function fileSchemaOf(registry: Registry): FileSchema {
  const forms = {
    input: formsOf(registry, ['source'], inputKeys),
    // What changes how many items there are has no calls that could be tried, or be left out for an item.
    steps: [...formsOf(registry, ['step'], stepKeys), ...formsOf(registry, ['flow'], { name: stepKeys.name })],
    output: formsOf(registry, ['sink'], {}),
    aggregate: formsOf(registry, ['aggregator'], aggregateKeys),
  };
  const oneOf = (part: Part, ...more: z.ZodObject[]) =>
    z.union([...forms[part].map(({ schema }) => schema), ...more] as unknown as [z.ZodObject, z.ZodObject]);
  const shape = {
    name: named('a name').optional().describe('What the pipeline is called; the name of its file unless said.'),
    description: z.string().optional().describe('What it does, for people.'),
    config: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Values for templates, as `{{ config.x }}`, and for expressions; --config and --set replace them.'),
    requires: z
      .strictObject({
        env: listOf('Variables of the environment; templates may name them as `{{ env.X }}`.').optional(),
        programs: listOf('Programs that have to be installed.').optional(),
        files: listOf('Files that have to be there.').optional(),
      })
      .optional()
      .describe('What is checked before anything starts.'),
    secrets: listOf('Variables of the environment whose values are shown nowhere.').optional(),
    input: oneOf('input').optional().describe('Where the items come from: exactly one source.'),
    outputRoot: isText().optional().describe('The folder that relative outputs lie in.'),
    ...policyKeys,
    rates: z
      .record(named('a name'), rateValue())
      .optional()
      .describe('Rates by name: all steps that name one share it.'),
    breakers: z
      .record(named('a name'), breakerOptions)
      .optional()
      .describe('Breakers by name: all steps that name one share it.'),
    steps: z
      .array(oneOf('steps', recipeForm))
      .optional()
      .describe('What is done to each item, one step after another.'),
    aggregate: z.array(oneOf('aggregate')).optional().describe('What is made of all results at the end.'),
    output: z
      .array(oneOf('output', reportForm))
      .optional()
      .describe('Where the results go; standard output unless said.'),
    mode: z
      .enum(['strict', 'flexible', 'best-effort'])
      .optional()
      .describe(
        'What a failure does: `strict` halts at the first, `flexible` fails its item; with `best-effort` steps that are `optional` may fail, and what does not fit `accepts` and `returns` is only warned of.',
      ),
    halt: haltRule().optional().describe('When to stop before the input ends, in the grammar of GNU parallel.'),
  };
  const schema = z
    .strictObject({
      ...shape,
      pipelines: z
        .record(named('a name'), z.strictObject(shape))
        .optional()
        .describe('Several pipelines in one file; what stands beside them holds for all.'),
    })
    .meta({ title: 'batchx pipeline' });
  const special = { input: [], steps: ['pipeline'], output: ['report'], aggregate: [] };
  return { schema, forms, special };
}
