import { readFile } from 'node:fs/promises';
import type * as z from 'zod';
import { builtin } from '../builtin.js';
import { BatchxError, messageOf, systemCode } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { parseDocument } from '../pipeline/file/document.js';
import { loadDocument } from '../pipeline/file/load-pipeline.js';
import { loadManifest, pipelineOfManifest, withManifest } from '../pipeline/file/manifest-file.js';
import { asKeys, type Keys, type PipelineFile, pipelineIn } from '../pipeline/file/pipeline-file.js';
import { withRecipes } from '../pipeline/file/recipes.js';
import type { fileFlags } from './run-flags.js';
import { inputFor } from './run-inputs.js';

/** What a command line says of a pipeline. */
export interface PipelineLine {
  readonly flags: z.output<z.ZodObject<typeof fileFlags>>;
  readonly positionals: readonly string[];
  readonly literals: readonly string[] | undefined;
}

/** The pipeline that a command line means, with the values, the input and the folder that it gives in place of its own. */
export async function pipelineOf({ flags, positionals, literals }: PipelineLine): Promise<PipelineFile> {
  const { pipeline, output } = flags;
  const [given, ...inputs] = positionals;
  const manifest = flags.manifest === undefined ? undefined : await loadManifest(flags.manifest);
  const path = manifest === undefined ? given : pipelineOfManifest(manifest, given);
  if (path === undefined)
    throw new BatchxError('usage', 'expected the file of a pipeline, as in: batchx run pipeline.yaml');
  const own = await withRecipes(pipelineIn(await loadDocument(path), builtin, pipeline), builtin);
  const file = manifest === undefined ? own : withManifest(own, manifest);
  const read = [...inputs, ...(flags.input ?? [])];
  if (manifest !== undefined && (read.length > 0 || literals !== undefined)) {
    const got = literals === undefined ? read.join(' ') : `::: ${literals.join(' ')}`;
    throw new BatchxError('usage', `expected either --manifest or other inputs, got both (${got})`);
  }
  const input = await inputFor(file, read, literals);
  const keys = {
    ...file.keys,
    ...(input !== undefined && { input }),
    ...(output !== undefined && { outputRoot: output }),
  };
  return { ...file, keys: await withConfig(file, keys, flags) };
}

async function withConfig(
  { document }: PipelineFile,
  keys: Keys,
  { config, set = [] }: PipelineLine['flags'],
): Promise<Keys> {
  if (config === undefined && set.length === 0) return keys;
  const declared = asKeys(keys.config);
  const given = config === undefined ? {} : await configIn(config);
  const single = Object.fromEntries(set.map(settingIn));
  const text = JSON.stringify(document.value);
  const faults = [
    ...Object.keys(given).map((name) => ['--config', name]),
    ...Object.keys(single).map((name) => ['--set', name]),
  ]
    .filter(([, name = '']) => !Object.hasOwn(declared, name) && !speaksOf(text, name))
    .map(
      ([flag = '', name = '']) =>
        `${flag}: ${document.name} has no \`${name}\` in its config${hintFor(name, declared)}`,
    );
  if (faults.length > 0) throw new BatchxError('usage', faults.join('\n'));
  return { ...keys, config: { ...declared, ...given, ...single } };
}

const hintFor = (name: string, declared: Keys): string => {
  const names = Object.keys(declared);
  return didYouMean(name, names) || (names.length === 0 ? '; add it there' : `; there are ${names.join(', ')}`);
};

/** Whether a pipeline speaks of a value that it does not have, and which has to be given to it. */
const speaksOf = (text: string, name: string): boolean => text.includes(`config.${name}`);

async function configIn(text: string): Promise<Readonly<Record<string, unknown>>> {
  const inline = /^\s*\{/.test(text);
  const source = inline ? text : await readText(text);
  const { value } = await parseDocument(source, inline ? '--config' : text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new BatchxError('usage', `--config: expected keys with values, got ${JSON.stringify(value)}`);
}

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
