import { readFile } from 'node:fs/promises';
import type * as z from 'zod';
import { builtin } from '../builtin.js';
import { BatchxError, messageOf, systemCode } from '../core/errors.js';
import { createRuntime } from '../core/runtime.js';
import { outputPlaces } from '../pipeline/file/check-outputs.js';
import { strangeValues } from '../pipeline/file/config-names.js';
import { contextOf } from '../pipeline/file/context.js';
import { type Document, parseDocument } from '../pipeline/file/document.js';
import { loadDocument } from '../pipeline/file/load-pipeline.js';
import { loadManifest, type Manifest, pipelineOfManifest, withManifest } from '../pipeline/file/manifest-file.js';
import { asKeys, type Keys, type PipelineFile, pipelineIn, pipelineNames } from '../pipeline/file/pipeline-file.js';
import { withRecipes } from '../pipeline/file/recipes.js';
import type { fileFlags, runFlags } from './run-flags.js';
import { inputFor } from './run-inputs.js';

/** What a command line says of a pipeline. */
export interface PipelineLine {
  readonly flags: z.output<z.ZodObject<typeof fileFlags>> & Partial<z.output<typeof runFlags>>;
  readonly positionals: readonly string[];
  readonly literals: readonly string[] | undefined;
}

/** The pipeline that a command line means, with the values, the input and the folder that it gives in place of its own. */
export async function pipelineOf(line: PipelineLine): Promise<PipelineFile> {
  const { path, manifest } = await fileOf(line);
  return pipelineFrom(await loadDocument(path), line.flags.pipeline, manifest, line);
}

/** The same, and all that are in the file where the command line names none of them. */
export async function pipelinesOf(line: PipelineLine): Promise<[PipelineFile, ...PipelineFile[]]> {
  const { path, manifest } = await fileOf(line);
  const document = await loadDocument(path);
  const { pipeline } = line.flags;
  const [first, ...others] = pipeline === undefined ? pipelineNames(document) : [pipeline];
  const from = (name?: string): Promise<PipelineFile> => pipelineFrom(document, name, manifest, line);
  return [await from(first), ...(await Promise.all(others.map(from)))];
}

/** The file of a pipeline, and the manifest that may name it. */
async function fileOf({ flags, positionals: [given] }: PipelineLine) {
  const manifest = flags.manifest === undefined ? undefined : await loadManifest(flags.manifest);
  const path = manifest === undefined ? given : pipelineOfManifest(manifest, given);
  if (path === undefined)
    throw new BatchxError('usage', 'expected the file of a pipeline, as in: batchx run pipeline.yaml');
  return { path, manifest };
}

async function pipelineFrom(
  document: Document,
  pipeline: string | undefined,
  manifest: Manifest | undefined,
  { flags, positionals: [, ...inputs], literals }: PipelineLine,
): Promise<PipelineFile> {
  const { output } = flags;
  const own = await withRecipes(pipelineIn(document, builtin, pipeline), builtin);
  const file = manifest === undefined ? own : withManifest(own, manifest);
  const read = [...inputs, ...(flags.input ?? [])];
  if (manifest !== undefined && (read.length > 0 || literals !== undefined)) {
    const got = literals === undefined ? read.join(' ') : `::: ${literals.join(' ')}`;
    throw new BatchxError('usage', `expected either --manifest or other inputs, got both (${got})`);
  }
  const keys = { ...file.keys, ...(output !== undefined && { outputRoot: output }) };
  const values = flags.config === undefined || isInline(flags.config) ? [] : [flags.config];
  const whole = { ...file, keys: await withConfig(file, keys, flags), values };
  const input = await inputFor(file, read, literals, () => ownOf(whole, flags));
  return input === undefined ? whole : { ...whole, keys: { ...whole.keys, input } };
}

/** What a run of a pipeline writes to, as far as that is known. */
function ownOf(file: PipelineFile, { failed, report, 'report-items': items }: PipelineLine['flags']): string[] {
  const flagged = [failed, report, items].filter((path) => path !== undefined);
  try {
    return [...flagged, ...outputPlaces(file, contextOf(file, createRuntime())).map(({ place }) => place)];
  } catch {
    // What is wrong with the pipeline is told when it is checked.
    return flagged;
  }
}

async function withConfig(file: PipelineFile, keys: Keys, { config, set = [] }: PipelineLine['flags']): Promise<Keys> {
  if (config === undefined && set.length === 0) return keys;
  const declared = asKeys(keys.config);
  const given = config === undefined ? {} : await configIn(config);
  const single = Object.fromEntries(set.map(settingIn));
  const faults = [
    ...strangeValues(file, given).map(([, message]) => `--config: ${message}`),
    ...strangeValues(file, single).map(([, message]) => `--set: ${message}`),
  ];
  if (faults.length > 0) throw new BatchxError('usage', faults.join('\n'));
  return { ...keys, config: { ...declared, ...given, ...single } };
}

async function configIn(text: string): Promise<Readonly<Record<string, unknown>>> {
  const inline = isInline(text);
  const source = inline ? text : await readText(text);
  const { value } = await parseDocument(source, inline ? '--config' : text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new BatchxError('usage', `--config: expected keys with values, got ${JSON.stringify(value)}`);
}

/** Whether values are written on the command line itself. */
const isInline = (text: string): boolean => /^\s*\{/.test(text);

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const what =
      systemCode(error) === 'ENOENT' ? `there is no file ${path}; JSON begins with a brace` : messageOf(error);
    throw new BatchxError('usage', `--config: ${what}`, { cause: error });
  }
}

/** `x=5` is a number, `x=abc` is text, and so is `x="5"`. */
function settingIn(text: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1)
    throw new BatchxError('usage', `--set: expected a name, an equals sign and a value, as x=5, got "${text}"`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
}
