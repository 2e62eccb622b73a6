import type * as z from 'zod';
import { show } from '../../core/schema.js';
import { didYouMean } from '../../core/suggest.js';
import type { Fault, Path } from './document.js';
import { type FileSchema, NOT_YET, type Part } from './file-schema.js';
import type { Form } from './forms.js';
import { issueMessage, unionMessage } from './issue-message.js';
import { stepKeys } from './keys.js';
import { bare, childOf } from './schema-walk.js';

type Issue = z.core.$ZodIssue;

/** What does not fit the schema, each with its place; parts that do not fit are told, the others are judged all the same. */
export function shapeFaults(file: FileSchema, value: unknown): Fault[] {
  const parsed = file.schema.safeParse(value, { error: (issue) => issueMessage(issue) });
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => new Shape(file, value).faults(issue, []));
}

class Shape {
  readonly #file: FileSchema;
  readonly #value: unknown;

  constructor(file: FileSchema, value: unknown) {
    this.#file = file;
    this.#value = value;
  }

  faults(issue: Issue, above: Path): Fault[] {
    const path = [...above, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => this.#unknown(path, key));
    if (issue.code === 'invalid_key') return [{ path, key: true, message: issue.issues[0]?.message ?? issue.message }];
    if (issue.code === 'invalid_union') {
      const part = partAt(path);
      if (part !== undefined) return this.#entry(issue, path, part);
      const near = nearest(issue.errors);
      if (near !== undefined) return near.flatMap((each) => this.faults(each, path));
      return [{ path, message: unionMessage(issue) }];
    }
    const missing = issue.code === 'invalid_type' && at(this.#value, path) === undefined;
    const name = path.at(-1);
    const message = missing
      ? `\`${String(name)}\` is missing: ${issue.message.replace(/, got .*$/, '')}`
      : issue.message;
    return [{ path: missing ? path.slice(0, -1) : path, message }];
  }

  /** An entry that fits none of the forms: by its verb one sees which is meant. */
  #entry(issue: z.core.$ZodIssueInvalidUnion, path: Path, part: Part): Fault[] {
    const forms = this.#file.forms[part];
    const entry = at(this.#value, path);
    const what = WORDS[part];
    if (typeof entry === 'string') {
      const form = forms.find(({ verb }) => verb === entry);
      const hint = form === undefined ? didYouMean(entry, verbsOf(forms)) : `; write \`${entry}:\` with what it needs`;
      return [
        { path, message: `expected ${what} such as \`${forms[0]?.verb ?? ''}: ...\`, got ${show(entry)}${hint}` },
      ];
    }
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
      return [{ path, message: `expected ${what} such as \`${forms[0]?.verb ?? ''}: ...\`, got ${show(entry)}` }];
    const keys = Object.keys(entry);
    const index = forms.findIndex(({ verb }) => keys.includes(verb));
    const own = this.#file.special[part].findIndex((verb) => keys.includes(verb));
    const meant = index >= 0 ? index : own >= 0 ? forms.length + own : -1;
    if (meant < 0) return [this.#noVerb(path, part, keys)];
    const verb = forms[index]?.verb ?? this.#file.special[part][own] ?? '';
    const others = [...verbsOf(forms), ...this.#file.special[part]].filter(
      (each) => each !== verb && keys.includes(each) && !(forms[index]?.options.has(each) ?? false),
    );
    const [other] = others;
    if (other !== undefined) {
      const verbs = [verb, ...others].map((each) => `\`${each}\``).join(' and ');
      return [
        {
          path: [...path, other],
          key: true,
          message: `expected one ${part === 'input' ? 'source' : 'verb'} in ${what}, got ${verbs}; each is an entry of its own`,
        },
      ];
    }
    return (issue.errors[meant] ?? []).flatMap((each) => this.faults(each, path));
  }

  #noVerb(path: Path, part: Part, keys: readonly string[]): Fault {
    const forms = this.#file.forms[part];
    const later = keys.find((key) => Object.hasOwn(NOT_YET, key) && !COMMON.has(key));
    if (later !== undefined) return { path: [...path, later], key: true, message: notYet(later) };
    const common = forms[0]?.common ?? new Set();
    const typed = keys.find((key) => !common.has(key));
    if (typed === undefined)
      return { path, message: `expected ${WORDS[part]} with a verb: one of ${verbsOf(forms).join(', ')}` };
    const hint = didYouMean(typed, [...verbsOf(forms), 'prompt']) || `; there are ${verbsOf(forms).join(', ')}`;
    return { path: [...path, typed], key: true, message: `no ${NOUNS[part]} is called "${typed}"${hint}` };
  }

  #unknown(path: Path, key: string): Fault {
    if (Object.hasOwn(NOT_YET, key)) return { path: [...path, key], key: true, message: notYet(key) };
    const known = this.#keysAt(path);
    if (Object.hasOwn(stepKeys, key) && partAt(path) === 'steps' && !known.includes('when')) {
      const why = known.includes('with') ? 'say it in the steps of that pipeline' : 'this changes how many there are';
      const what = `\`${key}\` is for what is done to each item; ${why}`;
      return { path: [...path, key], key: true, message: what };
    }
    const meant = SYNONYMS[key];
    const near = meant !== undefined && known.includes(meant) ? `; did you mean "${meant}"?` : didYouMean(key, known);
    const hint = near || (known.length === 0 ? '' : `; there are ${known.join(', ')}`);
    return { path: [...path, key], key: true, message: `\`${key}\` is not known here${hint}` };
  }

  /** The keys that there are where something was misspelt. */
  #keysAt(path: Path): string[] {
    let node: unknown = this.#file.schema;
    for (const [depth, part] of path.entries()) node = childOf(node, part, at(this.#value, path.slice(0, depth + 1)));
    return Object.keys((bare(node) as { shape?: object } | undefined)?.shape ?? {});
  }
}

/** What other tools, and our own flags, call what is called otherwise here. */
const SYNONYMS: Readonly<Record<string, string>> = {
  retries: 'retry',
  jobs: 'concurrency',
  workers: 'concurrency',
  parallel: 'concurrency',
  'rate-limit': 'rate',
  if: 'when',
  circuitBreaker: 'breaker',
  tasks: 'steps',
  sinks: 'output',
  outputs: 'output',
  source: 'input',
  inputs: 'input',
  vars: 'config',
};

const WORDS: Readonly<Record<Part, string>> = {
  input: 'a source',
  steps: 'a step',
  output: 'an output',
  aggregate: 'an aggregate',
};

const NOUNS: Readonly<Record<Part, string>> = {
  input: 'source',
  steps: 'step',
  output: 'output',
  aggregate: 'aggregate',
};

/** Keys that are refused for now where they stand beside a verb. */
const COMMON = new Set(['keep', 'touches', 'threads', 'priority', 'sample', 'dependsOn', 'batches']);

const notYet = (key: string): string => `\`${key}\` (${NOT_YET[key] ?? ''}) is not done by this version yet`;

const verbsOf = (forms: readonly Form[]): string[] => forms.map(({ verb }) => verb);

/** Which part of a pipeline an entry is of, by its path. */
function partAt(path: Path): Part | undefined {
  const [first, second, third, fourth] = path;
  if (first === 'pipelines') return partIn([third, fourth], path.length - 2);
  return partIn([first, second], path.length);
}

function partIn([part, index]: readonly (string | number | undefined)[], length: number): Part | undefined {
  if (part === 'input') return length === 1 ? part : undefined;
  if ((part === 'steps' || part === 'output' || part === 'aggregate') && typeof index === 'number')
    return length === 2 ? part : undefined;
  return undefined;
}

function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) found = (found as Record<string | number, unknown> | null | undefined)?.[part];
  return found;
}

/** Of several forms the one that was meant: it fits but for something in it, and better than the others. */
function nearest(forms: readonly Issue[][]): readonly Issue[] | undefined {
  const near = forms.filter((issues) =>
    issues.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  const misfits = (issues: readonly Issue[]): number =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
  return near.sort((a, b) => misfits(a) - misfits(b))[0];
}
