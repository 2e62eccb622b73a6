import { BatchxError } from '../../core/errors.js';
import type { Registry } from '../../core/registry.js';
import type { Runtime } from '../../core/runtime.js';
import { checkPipeline } from './check.js';
import { strangeValues } from './config-names.js';
import { documentOf } from './document.js';
import { faultsError } from './faults.js';
import { loadDocument } from './load-pipeline.js';
import { asKeys, type PipelineFile, pipelineIn } from './pipeline-file.js';
import { withRecipes } from './recipes.js';

export interface PipelineOptions {
  /** Which pipeline of a file that has several. */
  readonly pipeline?: string;
  /** Values for `{{ config.x }}` in place of those in the file. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The components that it may name; those that ship with batchx unless said. */
  readonly registry?: Registry;
}

/** The pipeline of a file, or of an object of the same form, with its recipes put in. */
export async function openPipeline(
  file: string | object,
  { pipeline, config }: Omit<PipelineOptions, 'registry'>,
  registry: Registry,
): Promise<PipelineFile> {
  const document = typeof file === 'string' ? await loadDocument(file) : documentOf(file, 'pipeline');
  const found = await withRecipes(pipelineIn(document, registry, pipeline), registry);
  if (config === undefined) return found;
  const strange = strangeValues(found, config).map(([, message]) => message);
  if (strange.length > 0) throw new BatchxError('usage', strange.join('\n'));
  return { ...found, keys: { ...found.keys, config: { ...asKeys(found.keys.config), ...config } } };
}

/** The same pipeline; one that is wrong rejects with one error that tells all of it. */
export async function checkedPipeline(file: PipelineFile, runtime: Runtime): Promise<PipelineFile> {
  const faults = await checkPipeline(file, runtime);
  if (faults.length > 0) throw faultsError(faults);
  return file;
}
