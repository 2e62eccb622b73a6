import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BatchxError, messageOf } from '../core/errors.js';
import { suggest } from '../core/suggest.js';
import type { Use } from '../pipeline/plan.js';

export const FORMATS = ['jsonl', 'json', 'csv', 'lines'] as const;
export type Format = (typeof FORMATS)[number];

const byEnding: Readonly<Record<string, Format>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  csv: 'csv',
  txt: 'lines',
};

/** The sources for paths. Consecutive ones of one format make one source; the format is told by the name unless said. */
export function sourcesOf(paths: readonly string[], format: Format | undefined): Use[] {
  const groups: { name: Format; paths: string[] }[] = [];
  for (const path of paths) {
    const name = format ?? formatOf(path);
    const last = groups.at(-1);
    if (last?.name === name) last.paths.push(path);
    else groups.push({ name, paths: [path] });
  }
  return groups.map(({ name, paths: path }) => ({ name, options: { path } }));
}

/**
 * The files that stand on the command line: paths, globs, directories, `-`; with nothing, standard input.
 *
 * What does not exist, and a glob that matches nothing, throws.
 */
export async function filesOf(inputs: readonly string[]): Promise<string[]> {
  const paths = (await Promise.all((inputs.length === 0 ? ['-'] : inputs).map(pathsOf))).flat();
  if (paths.filter((path) => path === '-').length > 1) {
    throw new BatchxError('usage', 'expected `-` only once: standard input can be read once');
  }
  return paths;
}

const formatOf = (path: string): Format =>
  byEnding[/\.(\w+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? ''] ?? 'jsonl';

async function pathsOf(input: string): Promise<string[]> {
  if (input === '-') return ['-'];
  if (input === '') throw new BatchxError('usage', 'expected a path, got empty text');
  const stat = statOf(input);
  if (stat?.isDirectory() === true)
    return found(
      await expand('**/*.{jsonl,ndjson,json,csv,txt}{,.gz}', input),
      input,
      'has no .jsonl, .json, .csv or .txt files in it',
    );
  if (stat !== undefined) return [input];
  if (/[*?[\]{}]/.test(input)) return found(await expand(input), input, 'matches no file');
  const near = suggest(basename(input), namesIn(dirname(input)));
  const hint = near === undefined ? '' : `; did you mean ${join(dirname(input), near)}?`;
  throw new BatchxError('input', `cannot read ${input}: there is no such file${hint}`, { where: input });
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new BatchxError('input', `cannot read ${path}: ${messageOf(error)}`, { where: path });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The files that match, in the order of their names. Links are followed; what several names lead to is given once. */
async function expand(pattern: string, cwd?: string): Promise<string[]> {
  const { glob } = await import('tinyglobby');
  const names = await glob(pattern, { ...(cwd !== undefined && { cwd }), expandDirectories: false });
  const paths = names.map((name) => (cwd === undefined ? name : join(cwd, name))).sort();
  const seen = new Set<string>();
  return paths.filter((path) => {
    const real = realpathSync.native(path);
    return !seen.has(real) && seen.add(real);
  });
}

function found(paths: string[], input: string, otherwise: string): string[] {
  if (paths.length === 0) throw new BatchxError('input', `${input} ${otherwise}`, { where: input });
  return paths;
}
