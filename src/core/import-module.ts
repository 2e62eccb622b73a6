import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BatchxError, messageOf } from './errors.js';

/** A module of the user's that cannot be used, and where in it that is, as far as that is known. */
export class ModuleError extends BatchxError {
  readonly position: ModulePosition | undefined;
  /** What is wrong, without the path. */
  readonly what: string;

  constructor(path: string, what: string, position?: ModulePosition, cause?: unknown) {
    const place = position === undefined ? path : `${path}:${position.line}:${position.col}`;
    super('usage', `${place}: ${what}`, { cause });
    this.position = position && { line: position.line, col: position.col };
    this.what = what;
  }
}

/** Both counted from 1. */
interface ModulePosition {
  readonly line: number;
  readonly col: number;
}

const loading = new Set<string>();

/** The modules that have begun to load and have not come to their end: where nothing is left to do, they never will. */
export const modulesLoading = (): readonly string[] => [...loading];

/**
 * The default export of a module of the user's: JavaScript, or TypeScript where Node cannot read it. One that is not
 * there, throws, or has none, is wrong usage.
 */
export async function importDefault(path: string): Promise<unknown> {
  const full = resolve(path);
  let loaded: { default?: unknown };
  loading.add(path);
  try {
    loaded = (await (/\.[cm]?ts$/.test(path)
      ? importTypeScript(full)
      : import(pathToFileURL(full).href))) as typeof loaded;
  } catch (error) {
    throw await whyNot(path, full, error);
  } finally {
    loading.delete(path);
  }
  if (loaded.default !== undefined) return loaded.default;
  throw new ModuleError(path, 'expected a default export, got none');
}

async function importTypeScript(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  return createJiti(import.meta.url).import(path);
}

/** What was thrown, with its place: in the module itself, or else in what it uses. */
async function whyNot(path: string, full: string, error: unknown): Promise<ModuleError> {
  const { code, url } = (error ?? {}) as { readonly code?: unknown; readonly url?: unknown };
  if (code === 'ERR_MODULE_NOT_FOUND' && url === pathToFileURL(full).href)
    return new ModuleError(path, 'there is no such file', undefined, error);
  const places = [...placesIn(error), ...(error instanceof SyntaxError ? await placesOfSyntax(full) : [])];
  const own = places.find(({ file }) => file === full);
  const [first] = places;
  const what = withoutPlace(messageOf(error));
  if (own !== undefined) return new ModuleError(path, what, own, error);
  const where = first === undefined ? '' : ` (${first.file}:${first.line}:${first.col})`;
  return new ModuleError(path, `${what}${where}`, undefined, error);
}

interface Placed extends ModulePosition {
  readonly file: string;
}

/** The places in files that an error tells of: those of its stack, but for Node's own, and the one that a parser adds. */
function placesIn(error: unknown): Placed[] {
  if (!(error instanceof Error)) return [];
  const parsed = placeAtEnd.exec(error.message);
  if (parsed !== null) return [placed(parsed, 1)];
  return (error.stack ?? '').split('\n').flatMap((line) => {
    const match = placeInStack.exec(line);
    return match === null || line.includes('node_modules/jiti/') ? [] : [placed(match, 0)];
  });
}

/** Node says of modules that do not parse only what is wrong. */
async function placesOfSyntax(full: string): Promise<Placed[]> {
  try {
    const [{ createJiti }, { readFile }] = await Promise.all([import('jiti'), import('node:fs/promises')]);
    const source = await readFile(full, 'utf8');
    const made = createJiti(import.meta.url).transform({ source, filename: full, async: true });
    const [, line, col] = unparsed.exec(made) ?? [];
    return line === undefined ? [] : [placed(['', full, line, col], 1)];
  } catch {
    return [];
  }
}

/** What the parser gives in the place of what it does not understand. */
const unparsed = /^exports\.__JITI_ERROR__ = \{.*?"line":(\d+),"column":(\d+)/;

/** `   at f (file:///a/b.mjs:3:7)`, or `file:///a/b.mjs:3` above an excerpt. */
const placeInStack = /(?:^|\(|at (?:async )?)((?:file:\/\/)?\/[^()]*?):(\d+)(?::(\d+))?\)?$/;

/** What the parser of TypeScript has behind its message; it counts columns from 0. */
const placeAtEnd = /\s*\n\s*(\/.*?):(\d+):(\d+)\s*$/;

const placed = ([, file = '', line, col]: readonly (string | undefined)[], more: number): Placed => ({
  file: file.startsWith('file:') ? fileURLToPath(file) : file,
  line: Number(line),
  col: Number(col ?? 1) + (col === undefined ? 0 : more),
});

const withoutPlace = (message: string): string =>
  message.replace(placeAtEnd, '').replace(/^ParseError: /, 'SyntaxError: ');
