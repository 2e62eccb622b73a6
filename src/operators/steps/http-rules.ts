import type * as z from 'zod';
import { BatchxError, messageOf } from '../../core/errors.js';
import type { StepCost } from '../../core/policy/cost.js';
import { type Compiled, compileExpression, type Expression, shownSource } from '../../core/expression.js';
import type { Item } from '../../core/item.js';
import { duration, show, toMs } from '../../core/schema.js';
import { type httpOptions, RULE_NAMES } from './http-options.js';

/** An answer as rules see it, and as the result when that is asked for. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

type RuleOptions = Pick<z.output<typeof httpOptions>, 'success' | 'throttled' | 'cost' | 'retryAfter'>;

/** The rules of a step about answers. */
export class Rules {
  /** Whether there are any: otherwise nobody looks at the body but for its sake. */
  readonly any: boolean;
  readonly #success: Compiled | undefined;
  readonly #throttled: Compiled | undefined;
  readonly #cost: Compiled | undefined;
  readonly #retryAfter: Compiled | undefined;

  constructor({ success, throttled, cost, retryAfter }: RuleOptions) {
    this.#success = compiled('success', success);
    this.#throttled = compiled('throttled', throttled);
    this.#cost = typeof cost === 'number' ? () => cost : compiled('cost', cost);
    this.#retryAfter = compiled('retryAfter', retryAfter);
    this.any = [success, throttled, cost, retryAfter].some((rule) => rule !== undefined);
  }

  isSuccess(response: HttpResponse, item: Item): boolean {
    return this.#success === undefined || Boolean(this.#success(response, item.data, item));
  }

  isThrottled(response: HttpResponse, item: Item): boolean {
    return this.#throttled !== undefined && Boolean(this.#throttled(response, item.data, item));
  }

  /** What a request will cost, where that can be told before there is an answer. */
  estimate(item: Item): number | undefined {
    try {
      const cost = this.#cost?.(undefined, item.data, item);
      return typeof cost === 'number' && cost >= 0 && cost < Infinity ? cost : undefined;
    } catch {
      // It speaks of the answer.
      return undefined;
    }
  }

  costOf(response: HttpResponse, item: Item): number | undefined {
    const cost = this.#cost?.(response, item.data, item) ?? undefined;
    if (cost === undefined || (typeof cost === 'number' && !Number.isNaN(cost))) return cost;
    throw new BatchxError('expression', `expected \`cost\` to give a number, got ${show(cost)}`, {
      class: 'permanent',
    });
  }

  /** How long the server wants to be left alone, in milliseconds, where the rule says something. */
  waitOf(response: HttpResponse, item: Item): number | undefined {
    const wait = this.#retryAfter?.(response, item.data, item) ?? undefined;
    if (wait === undefined || (typeof wait === 'number' && wait >= 0 && wait < Infinity)) return wait;
    if (duration().safeParse(wait).success) return toMs(wait as string);
    const what = 'milliseconds, or a time such as "2s"';
    throw new BatchxError('expression', `expected \`retryAfter\` to give ${what}, got ${show(wait)}`, {
      class: 'permanent',
    });
  }
}

/** What the requests of a step cost, by its rule for that: before the answer, and as it is noted in the item after it. */
export function costBy(options: RuleOptions): StepCost | undefined {
  if (options.cost === undefined) return undefined;
  const rules = new Rules(options);
  return {
    before: (item) => rules.estimate(item),
    after: (item) => ((item as Item).extra.metadata?.http as { readonly cost?: number } | undefined)?.cost,
  };
}

/** What a rule throws is wrong each time, and says nothing of the call. */
function compiled(name: string, rule: Expression | undefined): Compiled | undefined {
  if (rule === undefined) return undefined;
  const run = compileExpression(rule, RULE_NAMES);
  const source = shownSource(rule);
  return (...given) => {
    try {
      return run(...given);
    } catch (error) {
      const message = `the rule \`${name}\` failed: ${messageOf(error)}, in ${source}`;
      throw new BatchxError('expression', message, { class: 'permanent', cause: error });
    }
  };
}

/** Whether a status is one of those that are expected. */
export function expected(expect: z.output<typeof httpOptions>['expect']): (status: number) => boolean {
  const ranges = [expect].flat().map((each) => {
    if (typeof each === 'number') return [each, each] as const;
    const [from = '', to = from] = each.split('-');
    return [Number(from.replaceAll('x', '0')), Number(to.replaceAll('x', '9'))] as const;
  });
  return (status) => ranges.some(([from, to]) => status >= from && status <= to);
}
