import { statSync } from 'node:fs';
import { firstValueFrom, take, toArray } from 'rxjs';
import { uncacheable } from '../../core/cache/cached-step.js';
import { BatchxError } from '../../core/errors.js';
import type { Item } from '../../core/item.js';
import { createRuntime, type Runtime } from '../../core/runtime.js';
import { describeIssues, parseOptions } from '../../core/schema.js';
import { fromSource } from '../../core/source.js';
import { declaredEnv, entryFaults } from './check-entries.js';
import { type InputFiles, inputFaults } from './check-inputs.js';
import { nameWarnings, outputFaults, recipeWarnings } from './check-outputs.js';
import { policyFaults } from './check-policies.js';
import { worldFaults } from './check-world.js';
import { contextIn, contextOf } from './context.js';
import type { PipelineContext } from './pipeline-context.js';
import type { Fault } from './document.js';
import type { PlacedFault } from './faults.js';
import { placedFaults } from './place-faults.js';
import { optionsIn } from './forms.js';
import { knownNames } from './known-names.js';
import { foundElsewhere } from './manifest-file.js';
import { partFaults } from './part-files.js';
import { entriesOf, type Entry, type PipelineFile, recipesIn } from './pipeline-file.js';
import { prepareOptions } from './prepare-options.js';

/** How many items of an input are looked at for the fields that they have. */
const PEEKED = 20;

/**
 * All that can be known of a pipeline before it starts: what does not fit the schema, names that are not known,
 * expressions that do not parse, and variables, programs and files that are not there. Of rows in a file the first are
 * read, for their fields. Modules that steps use are loaded, which runs what is at their top; nothing else is run, called
 * or written.
 */
export async function checkPipeline(file: PipelineFile, runtime: Runtime): Promise<PlacedFault[]> {
  return (await examinePipeline(file, runtime)).faults;
}

/** The same, with what may be meant and more often is not. */
export async function examinePipeline(
  file: PipelineFile,
  runtime: Runtime,
): Promise<{ readonly faults: PlacedFault[]; readonly warnings: PlacedFault[] }> {
  const { faults, document, keys, path } = file;
  const missing = (key: string, what: string): Fault[] =>
    !Object.hasOwn(keys, key) ? [{ path, message: `\`${key}\` is missing: expected ${what}` }] : [];
  const shape = [
    ...faults,
    ...(whole(faults) ? [] : missing('input', 'where the items come from, such as `files: ...`')),
  ];
  // A variable that is not set is told by name: what else would follow from that is not.
  const env = Object.fromEntries([file, ...recipesIn(file)].flatMap(declaredEnv).map((name) => [name, `$${name}`]));
  const set: Runtime = { ...runtime, env: { ...env, ...runtime.env } };
  const context = contextOf(file, set);
  const input = [...path, 'input'].join('.');
  const readable = !shape.some((fault) => fault.path.length <= path.length || fault.path.join('.').startsWith(input));
  const inputs = readable ? await inputFaults(file, context, inputFiles(file, context)) : [];
  const fields = readable ? await fieldsOf(file, context, runtime) : undefined;
  const texts = entryFaults(file, fields);
  const made =
    shape.length + texts.length > 0 ? [] : [...stepFaults(file, context, set), ...optionFaults(file, context)];
  const world = worldFaults(file, runtime, made);
  const right = shape.length + texts.length === 0;
  const unready = right ? await readyFaults(file, context, set, [...made, ...world]) : [];
  const outputs = [...outputFaults(file, context), ...(await partFaults(file, context)), ...inputs];
  const policies = [...policyFaults(file), ...outputs];
  return {
    faults: placedFaults(
      document,
      foundElsewhere(file, [...shape, ...texts, ...policies, ...world, ...made, ...unready]),
    ),
    warnings: placedFaults(document, [...nameWarnings(file, fields), ...recipeWarnings(file)]),
  };
}

/** Whether it is the whole that does not fit. */
const whole = (faults: readonly Fault[]): boolean => faults.some(({ path }) => path.length === 0);

/** What a step says itself of its options when it is made. */
function stepFaults(file: PipelineFile, context: PipelineContext, runtime: Runtime): Fault[] {
  const known = knownNames(file, undefined);
  return entriesOf(file, 'steps').flatMap((entry, index): Fault[] => {
    const { form, value, path, recipe } = entry;
    const { definition } = form;
    const document = recipe?.file.document;
    const caches = form.common.has('cache') && value.cache !== undefined && value.cache !== false;
    const cannot = caches && (definition.kind !== 'step' || definition.cacheKey === undefined);
    if (cannot) return [{ document, path: [...path, 'cache'], message: uncacheable({ name: form.verb }) }];
    if (definition.kind !== 'step') return [];
    let at = form.verb;
    try {
      const { parsed, own } = prepared(entry, known[index]?.outputs ?? [], { file, context, runtime });
      definition.create(parsed, own);
      at = 'cache';
      if (caches) definition.cacheKey?.(parsed, own);
      return [];
    } catch (error) {
      return [{ document, path: [...path, at], message: BatchxError.from(error).message }];
    }
  });
}

/** The code of the user's that steps run and that cannot be used; `others` is what is wrong with them besides. */
async function readyFaults(
  file: PipelineFile,
  context: PipelineContext,
  runtime: Runtime,
  others: readonly Fault[],
): Promise<Fault[]> {
  const known = knownNames(file, undefined);
  const faults: Fault[] = [];
  for (const [index, entry] of entriesOf(file, 'steps').entries()) {
    const { form, path, recipe } = entry;
    const { definition } = form;
    const document = recipe?.file.document;
    const wrong = others.some((each) => each.document === document && path.every((part, i) => each.path[i] === part));
    if (wrong || definition.kind !== 'step' || definition.ready === undefined) continue;
    try {
      const { parsed, own } = prepared(entry, known[index]?.outputs ?? [], { file, context, runtime });
      await definition.ready(parsed, own);
    } catch (error) {
      faults.push({ document, path: [...path, form.verb], message: BatchxError.from(error).message });
    }
  }
  return faults;
}

/** The options of a step as it is made with them, and what it is made in. */
function prepared(
  entry: Entry,
  outputs: readonly string[],
  {
    file,
    context,
    runtime,
  }: { readonly file: PipelineFile; readonly context: PipelineContext; readonly runtime: Runtime },
) {
  const { form, value, recipe } = entry;
  const own = contextIn(entry, context, runtime);
  const to = { context: own, outputs, outputRoot: undefined, folder: (recipe?.file ?? file).folder };
  const options = prepareOptions(form.definition.options, optionsIn(form, value), to);
  return { parsed: parseOptions(form.definition.options, options, form.verb), own: { ...runtime, context: own } };
}

/** What does not fit together of the options of sources, outputs and aggregates. */
function optionFaults(file: PipelineFile, context: PipelineContext): Fault[] {
  const parts = ['input', 'output', 'aggregate'] as const;
  return parts.flatMap((part) =>
    entriesOf(file, part).flatMap((entry): Fault[] => {
      const { form, path } = entry;
      const { success, error } = form.definition.options.safeParse(preparedOptions(entry, context));
      return success ? [] : [{ path: [...path, form.verb], message: describeIssues(error.issues) }];
    }),
  );
}

/** The fields that the data of the items have; undefined where that cannot be known without taking something away. */
async function fieldsOf(
  file: PipelineFile,
  context: PipelineContext,
  runtime: Runtime,
): Promise<readonly string[] | undefined> {
  const [entry] = entriesOf(file, 'input');
  if (entry?.form.definition.kind !== 'source') return undefined;
  const { definition } = entry.form;
  if (definition.fields !== undefined) return definition.fields;
  try {
    const options = definition.options.parse(preparedOptions(entry, context));
    const files = definition.files?.(options);
    if (files === undefined || !files.every(isPlainFile)) return undefined;
    const quiet = createRuntime({ env: runtime.env });
    const items = fromSource(definition, options, quiet).pipe(take(PEEKED), toArray());
    return fieldsIn(await firstValueFrom(items));
  } catch {
    // Why it cannot be read is told when it is.
    return undefined;
  }
}

/** The files that the input of a pipeline names. */
function inputFiles(file: PipelineFile, context: PipelineContext): InputFiles {
  const [entry] = entriesOf(file, 'input');
  const none: InputFiles = { named: [], names: () => false };
  if (entry?.form.definition.kind !== 'source') return none;
  const { definition } = entry.form;
  try {
    const options = definition.options.parse(preparedOptions(entry, context));
    const named = (definition.files?.(options) ?? []).filter(isPlainFile);
    return { named, names: (path) => definition.names?.(options, path) ?? false };
  } catch {
    // What is wrong with them is told by itself.
    return none;
  }
}

/** What is read from a pipe is gone. */
const isPlainFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

const preparedOptions = ({ form, value }: Entry, context: PipelineContext): Record<string, unknown> =>
  prepareOptions(form.definition.options, optionsIn(form, value), {
    context,
    outputs: [],
    outputRoot: undefined,
    folder: '.',
  });

function fieldsIn(items: readonly Item[]): readonly string[] | undefined {
  const found = items.filter(({ live }) => live).map(({ data }) => data);
  const rows = found.filter(
    (data): data is object => typeof data === 'object' && data !== null && !Array.isArray(data),
  );
  // Plain values have no fields; of some among rows nothing follows for the others.
  if (found.length === 0 || (rows.length > 0 && rows.length < found.length)) return undefined;
  return [...new Set(rows.flatMap(Object.keys))];
}
