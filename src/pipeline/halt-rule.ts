import * as z from 'zod';
import { BatchxError } from '../core/errors.js';
import { show } from '../core/schema.js';
import { suggest } from '../core/suggest.js';

/** When a run ends before its input does. */
export interface HaltRule {
  /** `soon` starts nothing more and lets running calls end; `now` gives them up. */
  readonly when: 'now' | 'soon';
  /** Which items are counted: those that failed, those that are ok, or all that are done. */
  readonly why: 'fail' | 'success' | 'done';
  /** So many of them, or with `percent` this share. */
  readonly amount: number;
  readonly percent: boolean;
  /** How the user has said it, for messages. */
  readonly said: string;
}

const GRAMMAR =
  'never or rules such as "soon,fail=3", "now,fail=10%" or "now,success=1": now or soon, a comma, fail, success or done, an equals sign, a number from 1 or a percentage up to 100%';

/** The forms of old versions of GNU parallel, which people still write. */
const OLD: Readonly<Record<string, string>> = {
  '0': 'never',
  '1': 'soon,fail=1',
  '2': 'now,fail=1',
  '-1': 'soon,success=1',
  '-2': 'now,success=1',
};

/**
 * When to halt, in the grammar of GNU parallel: `never`, `soon,fail=3`, `now,fail=10%`, `now,success=1`,
 * `soon,done=100`; several with commas between them. It stays text: `toHaltRules` reads it.
 */
export const haltRule = () =>
  z
    .string({ error: ({ input }) => refusal(input) })
    .superRefine((text, context) => {
      if (rulesOf(text) === undefined) context.addIssue({ code: 'custom', message: refusal(text) });
    })
    // Nearly so: for those who have only the JSON Schema.
    .meta({ pattern: '^(?:never|-?[0-2]|\\d+%|(?:now|soon)(?:,(?:now|soon|(?:fail|success|done)=\\d+%?))+)$' });

/** The rules of a `haltRule()`; none for `never`. */
export function toHaltRules(text: string): readonly HaltRule[] {
  const rules = rulesOf(text);
  if (rules === undefined) throw new BatchxError('usage', `halt: ${refusal(text)}`);
  return rules;
}

/** A rule as GNU parallel writes it. */
const written = ({ when, why, amount, percent }: Omit<HaltRule, 'said'>): string =>
  `${when},${why}=${amount}${percent ? '%' : ''}`;

/**
 * Rules as text again. A share of all that are done is told as a number where it is known how many these are: it means
 * nothing where it is not.
 */
export const haltText = (rules: readonly HaltRule[], total?: number): string =>
  rules
    .map((rule) =>
      rule.why === 'done' && rule.percent && total !== undefined
        ? written({ ...rule, amount: Math.ceil((rule.amount * total) / 100), percent: false })
        : written(rule),
    )
    .join(',');

function rulesOf(text: string): HaltRule[] | undefined {
  const long = OLD[text] ?? text.replace(/^(\d+%)$/, 'soon,fail=$1');
  if (long === 'never') return [];
  const rules: HaltRule[] = [];
  let when: HaltRule['when'] | undefined;
  /** True behind a `now` or `soon` that no reason has followed. */
  let open = true;
  for (const part of long.split(',')) {
    if (part === 'now' || part === 'soon') {
      if (when !== undefined && open) return undefined;
      when = part;
      open = true;
      continue;
    }
    const [, why, digits, sign] = /^(fail|success|done)=(\d+)(%?)$/.exec(part) ?? [];
    const amount = Number(digits);
    const percent = sign === '%';
    if (why === undefined || when === undefined || amount < 1 || (percent && amount > 100)) return undefined;
    const rule = { when, why: why as HaltRule['why'], amount, percent };
    rules.push({ ...rule, said: written(rule) });
    open = false;
  }
  return open ? undefined : rules;
}

function refusal(input: unknown): string {
  const near = typeof input === 'string' ? nearest(input) : undefined;
  return `expected ${GRAMMAR}, got ${show(input)}${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

/** What was probably meant: the first word of each kind that is near enough, with what is missing filled in. */
function nearest(text: string): string | undefined {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  const number = /(-?)(\d+)\s*(%?)/.exec(text);
  const find = <W extends string>(names: readonly W[]): W | undefined =>
    words.map((word) => names.find((name) => word.startsWith(name)) ?? (suggest(word, names) as W)).find(Boolean);
  const when = find(['now', 'soon']);
  const why = find(['fail', 'success', 'done']);
  if (when === undefined && why === undefined)
    return find(['never']) ?? (number === null ? undefined : ofNumber(number));
  const percent = number?.[3] === '%';
  const amount = Math.max(1, Math.min(Number(number?.[2] ?? 1), percent ? 100 : Infinity));
  return written({ when: when ?? 'soon', why: why ?? 'fail', amount, percent });
}

const ofNumber = ([, minus, digits, sign]: RegExpExecArray): string =>
  written({
    when: 'soon',
    why: minus === '-' ? 'success' : 'fail',
    amount: Math.max(1, sign === '%' ? Math.min(100, Number(digits)) : Number(digits)),
    percent: sign === '%',
  });
