import * as z from 'zod';
import { duration, parseOptions, show, someTime, toMs } from '../schema.js';
import { type CallWindow, CountWindow, TimeWindow } from './breaker-window.js';

const LONGEST_WINDOW = 3_600_000;

const percentText = /^(\d{1,3}(?:\.\d{1,3})?)%$/;

/** More than 0 % and at most 100 %. It stays text. */
function percent(): z.ZodString {
  const error = ({ input }: { readonly input?: unknown }): string =>
    `expected a share of more than 0% and at most 100%, such as "50%", got ${show(input)}`;
  return z
    .string({ error })
    .regex(percentText, { error, abort: true })
    .refine((text) => toThousandths(text) > 0 && toThousandths(text) <= 100_000, { error });
}

/** Thousandths of a percent are whole numbers, which compare exactly. */
const toThousandths = (text: string): number => Math.round(Number(percentText.exec(text)?.[1]) * 1000);

const windowText = 'a whole number of calls of at least 1, or a time of whole seconds up to "1h" such as "60s"';

/** The same, nearly, for those who have only the JSON Schema. */
const WINDOWS = [
  { type: 'integer', minimum: 1, maximum: 1_000_000 },
  { type: 'string', pattern: '^\\d+(?:\\.\\d+)?(?:ms|s|m|h)$' },
];

const isWindow = (value: string | number): boolean => {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 1 && value <= 1_000_000;
  const ms = toMs(value);
  return ms >= 1000 && ms <= LONGEST_WINDOW && ms % 1000 === 0;
};

export const breakerOptions = z.strictObject({
  window: z
    .union([z.number(), z.string()], { error: ({ input }) => `expected ${windowText}, got ${show(input)}` })
    .refine(isWindow, { error: ({ input }) => `expected ${windowText}, got ${show(input)}` })
    .meta({ anyOf: WINDOWS })
    .default(20)
    .describe('The results it judges by: the last ones, such as 20, or those of a time, such as "60s".'),
  minCalls: z
    .int()
    .min(1)
    .default(10)
    .describe('How many results there must be before it judges; never more than the window has.'),
  failureRate: percent().default('50%').describe('It opens when this share of the results or more are failures.'),
  slowCall: duration()
    .optional()
    .describe('A call that takes longer is slow. Without it slow calls are not looked at.'),
  slowRate: percent().default('100%').describe('It opens when this share of the results or more are slow.'),
  open: someTime()
    .default('30s')
    .describe('How long it stays open at first. It may be up to 10 % longer, by chance, and is never shorter.'),
  maxOpen: duration()
    .default('5m')
    .describe('That time doubles each time the server is still down, up to this; never less than `open`.'),
  halfOpen: z.int().min(1).max(1000).default(3).describe('How many calls try whether the server is back.'),
  maxHalfOpen: someTime()
    .default('60s')
    .describe(
      'How long they may take, from when the first starts. Then it opens again, unless one goes well after all.',
    ),
  onOpen: z
    .enum(['wait', 'fail', 'halt'])
    .default('wait')
    .describe('What becomes of calls while it is open: they wait, they fail, or the run ends.'),
  maxWait: duration()
    .default('15m')
    .describe('With `wait`: the run ends when it has been open so long without a success.'),
});

export type BreakerOptions = z.input<typeof breakerOptions>;

/** The options as a breaker uses them. */
export interface BreakerSettings {
  readonly window: () => CallWindow;
  readonly minCalls: number;
  readonly slowMs: number;
  /** Whether so many out of all are at the threshold or above it. */
  readonly tooManyFailures: (failures: number, calls: number) => boolean;
  readonly tooManySlow: (slow: number, calls: number) => boolean;
  readonly openMs: number;
  readonly maxOpenMs: number;
  readonly halfOpen: number;
  readonly halfOpenMs: number;
  readonly onOpen: 'wait' | 'fail' | 'halt';
  readonly maxWaitMs: number;
  /** As it was written. */
  readonly maxWait: string;
}

/** Checks the options; `true` stands for the defaults. */
export function breakerSettings(options: BreakerOptions | true): BreakerSettings {
  const parsed = parseOptions(breakerOptions, options === true ? {} : options, 'breaker');
  const { window, slowCall, halfOpen, onOpen, maxWait } = parsed;
  const openMs = toMs(parsed.open);
  return {
    window: () => (typeof window === 'number' ? new CountWindow(window) : new TimeWindow(toMs(window) / 1000)),
    minCalls: typeof window === 'number' ? Math.min(parsed.minCalls, window) : parsed.minCalls,
    slowMs: slowCall === undefined ? Infinity : toMs(slowCall),
    tooManyFailures: atLeast(parsed.failureRate),
    tooManySlow: slowCall === undefined ? () => false : atLeast(parsed.slowRate),
    openMs,
    maxOpenMs: Math.max(openMs, toMs(parsed.maxOpen)),
    halfOpen,
    halfOpenMs: toMs(parsed.maxHalfOpen),
    onOpen,
    maxWaitMs: toMs(maxWait),
    maxWait,
  };
}

function atLeast(percentage: string): (part: number, whole: number) => boolean {
  const thousandths = toThousandths(percentage);
  return (part, whole) => part * 100_000 >= thousandths * whole;
}
