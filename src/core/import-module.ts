import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BatchxError, messageOf } from './errors.js';

/**
 * The default export of a module of the user's: JavaScript, or TypeScript where Node cannot read it. One that is not
 * there, throws, or has none, is wrong usage.
 */
export async function importDefault(path: string): Promise<unknown> {
  const full = resolve(path);
  let loaded: { default?: unknown };
  try {
    loaded = (await (/\.[cm]?ts$/.test(path)
      ? importTypeScript(full)
      : import(pathToFileURL(full).href))) as typeof loaded;
  } catch (error) {
    throw new BatchxError('usage', `${path}: ${messageOf(error)}`, { cause: error });
  }
  if (loaded.default !== undefined) return loaded.default;
  throw new BatchxError('usage', `${path}: expected a default export, got none`);
}

async function importTypeScript(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  return createJiti(import.meta.url).import(path);
}
