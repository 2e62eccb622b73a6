import type * as z from 'zod';
import { show } from '../../core/schema.js';
import { didYouMean } from '../../core/suggest.js';

/** Words for what zod expects. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
  never: 'nothing',
};

/** What is said of a value that does not fit; what has words of its own says those. */
export function issueMessage(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}, got ${show(input)}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const hint = typeof input === 'string' ? didYouMean(input, values) : '';
      return `expected ${values.length === 1 ? '' : 'one of '}${values.join(', ')}, got ${show(input)}${hint}`;
    }
    case 'too_small':
      if (sizeOf(input) === '0' && Number(issue.minimum) === 1) return 'must not be empty';
      return `expected at least ${String(issue.minimum)}${unitOf(issue.origin, issue.minimum)}, got ${sizeOf(input)}`;
    case 'too_big':
      return `expected at most ${String(issue.maximum)}${unitOf(issue.origin, issue.maximum)}, got ${sizeOf(input)}`;
    default:
      return undefined;
  }
}

function unitOf(origin: string, count: number | bigint): string {
  const unit = origin === 'array' ? ' element' : origin === 'string' ? ' character' : '';
  return unit === '' || Number(count) === 1 ? unit : `${unit}s`;
}

const sizeOf = (input: unknown): string =>
  typeof input === 'string' || Array.isArray(input) ? String(input.length) : show(input);

/** What a value of several forms is expected to be: as its schema says, or what each of the forms expects. */
export function unionMessage({ message, errors }: z.core.$ZodIssueInvalidUnion): string {
  if (message.startsWith('expected')) return message;
  const said = errors.flatMap((issues) => issues.filter(({ path }) => path.length === 0).slice(0, 1));
  const all = said.map((each) => /^expected (.*), got (.*)$/s.exec(each.message)).filter((match) => match !== null);
  const wanted = [...new Set(all.map(([, what]) => what))];
  const others = said.find((each) => !each.message.startsWith('expected'));
  return others?.message ?? `expected ${wanted.join(' or ')}, got ${all[0]?.[2] ?? 'something else'}`;
}
