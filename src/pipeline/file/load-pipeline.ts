import { readFile } from 'node:fs/promises';
import { BatchxError, messageOf, systemCode } from '../../core/errors.js';
import { importDefault } from '../../core/import-module.js';
import { type Document, documentOf, parseDocument } from './document.js';

/** Modules, whose default export is a pipeline. */
const MODULE = /\.[cm]?[jt]s$/;

/**
 * Reads the file of a pipeline: YAML, JSON, or a module. What cannot be read, or does not parse, throws.
 *
 * A module is code that its user trusts; it is only ever loaded by the path that is given.
 */
export async function loadDocument(path: string): Promise<Document> {
  if (MODULE.test(path)) return documentOf(await importDefault(path), path);
  try {
    return await parseDocument(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof BatchxError) throw error;
    const code = systemCode(error);
    const what = code === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new BatchxError('usage', `${path}: ${what}`, { cause: error });
  }
}
