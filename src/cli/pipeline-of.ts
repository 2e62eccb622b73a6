import { readFile } from 'node:fs/promises';
import { builtin } from '../builtin.js';
import { BatchxError, messageOf, systemCode } from '../core/errors.js';
import { parseDocument } from '../pipeline/file/document.js';
import { loadDocument } from '../pipeline/file/load-pipeline.js';
import { asKeys, type PipelineFile, pipelineIn } from '../pipeline/file/pipeline-file.js';
import { withRecipes } from '../pipeline/file/recipes.js';

export interface FileChoice {
  readonly pipeline?: string | undefined;
  readonly config?: string | undefined;
  readonly set?: readonly string[] | undefined;
}

/** The pipeline that a command line means, with the values that it sets. */
export async function pipelineOf(
  path: string | undefined,
  { pipeline, config, set = [] }: FileChoice,
): Promise<PipelineFile> {
  if (path === undefined)
    throw new BatchxError('usage', 'expected the file of a pipeline, as in: batchx run pipeline.yaml');
  const file = await withRecipes(pipelineIn(await loadDocument(path), builtin, pipeline), builtin);
  if (config === undefined && set.length === 0) return file;
  const given = config === undefined ? {} : await configIn(config);
  const single = Object.fromEntries(set.map(settingIn));
  return { ...file, keys: { ...file.keys, config: { ...asKeys(file.keys.config), ...given, ...single } } };
}

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
