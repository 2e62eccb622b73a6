import { readFile } from 'node:fs/promises';
import { BatchxError, messageOf, systemCode } from '../../core/errors.js';
import { importDefault, ModuleError } from '../../core/import-module.js';
import { type Document, documentOf, parseDocument } from './document.js';
import { FaultsError, unusable } from './faults.js';

/** Modules, whose default export is a pipeline. */
export const isModule = (path: string): boolean => /\.[cm]?[jt]s$/.test(path);

/**
 * Reads the file of a pipeline: YAML, JSON, or a module. What cannot be read, or does not parse, throws.
 *
 * A module is code that its user trusts; it is only ever loaded by the path that is given.
 */
export async function loadDocument(path: string): Promise<Document> {
  try {
    if (isModule(path)) return documentOf(await importDefault(path), path);
    return await parseDocument(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof FaultsError) throw error;
    if (error instanceof ModuleError) throw unusable(path, error.what, error.position, error);
    const code = systemCode(error);
    const what = code === 'ENOENT' ? 'there is no such file' : wordsOf(error).replace(`${path}: `, '');
    throw unusable(path, what, undefined, error);
  }
}

const wordsOf = (error: unknown): string => (error instanceof BatchxError ? error.message : messageOf(error));
