import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BatchxError, messageOf } from '../core/errors.js';
import { suggest } from '../core/suggest.js';
import type { Use } from '../pipeline/plan.js';
import { findFiles } from './find-files.js';

export const FORMATS = ['jsonl', 'json', 'csv', 'lines'] as const;
export type Format = (typeof FORMATS)[number];

const byEnding: Readonly<Record<string, Format>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  csv: 'csv',
  tsv: 'csv',
  txt: 'lines',
};

/** The endings of the names of a format, as a part of a glob. */
export function endingsOf(format: Format): string {
  const endings = Object.entries(byEnding).flatMap(([ending, each]) => (each === format ? [ending] : []));
  return endings.length === 1 ? (endings[0] as string) : `{${endings.join()}}`;
}

/**
 * The sources for paths. Consecutive ones that are read alike make one source. The format, and what stands between the
 * cells of CSV, are told by the name unless said.
 */
export function sourcesOf(paths: readonly string[], format: Format | undefined, delimiter: string | undefined): Use[] {
  const groups: { name: Format; between: string | undefined; paths: string[] }[] = [];
  for (const path of paths) {
    const ending = endingOf(path);
    const name = format ?? byEnding[ending] ?? 'jsonl';
    const between = name === 'csv' ? (delimiter ?? (ending === 'tsv' ? '\t' : undefined)) : undefined;
    const last = groups.at(-1);
    if (last?.name === name && last.between === between) last.paths.push(path);
    else groups.push({ name, between, paths: [path] });
  }
  return groups.map(({ name, between, paths: path }) => ({
    name,
    options: { path, ...(between !== undefined && { delimiter: between }) },
  }));
}

/**
 * The files that stand on the command line: paths, globs, directories, `-`; with nothing, standard input.
 *
 * What does not exist throws, and unless that may be so, a glob or a folder in which there is nothing. What the run itself
 * writes to is only read where it is named.
 */
export async function filesOf(
  inputs: readonly string[],
  mayBeEmpty: boolean,
  own: readonly string[] = [],
): Promise<string[]> {
  const named = inputs.length === 0 ? ['-'] : inputs;
  const outputs = own.flatMap((path) => realOf(path) ?? []);
  const paths = (await Promise.all(named.map((input) => pathsOf(input, mayBeEmpty, outputs)))).flat();
  if (paths.filter((path) => path === '-').length > 1) {
    throw new BatchxError('usage', 'expected `-` only once: standard input can be read once');
  }
  return paths;
}

const endingOf = (path: string): string => /\.(\w+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';

async function pathsOf(input: string, mayBeEmpty: boolean, own: readonly string[]): Promise<string[]> {
  if (input === '-') return ['-'];
  if (input === '') throw new BatchxError('usage', 'expected a path, got empty text');
  const stat = statOf(input);
  const found = (paths: string[], otherwise: string): string[] => {
    if (paths.length === 0 && !mayBeEmpty) throw new BatchxError('input', otherwise, { where: input });
    return paths;
  };
  if (stat?.isDirectory() === true)
    return found(
      await expand(`**/*.{${Object.keys(byEnding).join()}}{,.gz}`, own, input),
      `${input} has no .jsonl, .json, .csv, .tsv or .txt files in it`,
    );
  if (stat !== undefined) return [input];
  if (/[*?[\]{}]|[@!+]\(/.test(input)) return found(await expand(input, own), `${input} matches no file`);
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

/** A path without links; undefined where nothing is. */
function realOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

/** The files that match, in the order of their names. Links are followed; what several names lead to is given once. */
async function expand(pattern: string, own: readonly string[], cwd?: string): Promise<string[]> {
  const paths = (await findFiles(pattern, cwd)).sort();
  const seen = new Set(own);
  return paths.filter((path) => {
    const real = realpathSync.native(path);
    return !seen.has(real) && seen.add(real);
  });
}
