import type { Report, StepReport } from './report-schema.js';

/** From where on a figure is worth a word. Shares are parts of 1. */
export const WORTH = {
  /** Of a shorter run, in milliseconds, no time is worth saving. */
  runMs: 1000,
  /** The share of the time of all steps that a step has to have. */
  step: 0.2,
  /** The share of its time that a step waits for its rate, and for its breaker or because it was told to wait. */
  rate: 0.2,
  breaker: 0.1,
  throttled: 0.1,
  /** The share of the attempts of a step that are retries, and how many at least. */
  retries: 0.05,
  leastRetries: 10,
  /** How many failures there are at least, and the share of them that one cause has. */
  failures: 5,
  alike: 0.9,
  /** The share that a step has of what all attempts took, and the share of the run that its workers were busy. */
  bottleneck: 0.6,
  busy: 0.8,
  /** The share of the time of all processors that was used: beyond it more workers bring nothing. */
  processors: 0.85,
  /** The share of the time of the run that more workers have to save where a rate bounds them. */
  saved: 0.05,
} as const;

/** What follows from the figures of a run, in short sentences: first why items failed, then what took most time. */
export function recommend(report: Report, known: Known = {}): string[] {
  const slow = report.ms < WORTH.runMs ? [] : report.steps.flatMap((step) => [...ofWaits(step, report), retries(step)]);
  const ranked = slow.filter((each) => each !== undefined).sort((a, b) => b.share - a.share);
  return [...failures(report), ...nothing(report), ...ranked.map(({ text }) => text), ...workers(report, known)];
}

/** `-j N`, or a key of the pipeline. */
export type WorkersBy = 'flag' | 'key';

/** What is known of a run and does not stand in its report. */
interface Known {
  readonly workersBy?: WorkersBy | undefined;
  /** By the names of steps: what their calls share. */
  readonly limiters?: ReadonlyMap<string, { readonly perSecond: number } | undefined>;
}

interface Ranked {
  readonly share: number;
  readonly text: string;
}

function failures({ failures: { total, causes, again } }: Report): string[] {
  const [first] = causes;
  if (first === undefined || total < WORTH.failures || first.count < WORTH.alike * total) return [];
  const { count, pattern, where } = first;
  const all =
    count === total ? `all ${number(total)} failures are alike` : `${percent(count / total)} of the failures are alike`;
  const then = again === null ? '' : ', then run just those again';
  return [`${all}: ${oneLine(pattern)}, as at ${oneLine(where)}; mend that first${then}`];
}

function nothing({ counts: { read, ok, skipped }, skipped: reasons }: Report): string[] {
  if (read === 0 || ok > 0 || skipped !== read || reasons.filtered !== read) return [];
  const what =
    read === 1
      ? 'the only item was filtered out'
      : `none of the ${number(read)} items went through: all were filtered out`;
  return [`${what}; see whether the filters mean what they say`];
}

/** What a step waited for. Of a step that takes little of the time of all nothing is to be gained. */
function ofWaits({ name, waits, ms, busyMs, ok }: StepReport, report: Report): (Ranked | undefined)[] {
  const spent = ms ?? 0;
  if (waits === null || spent === 0 || spent < WORTH.step * total(report.steps, (step) => step.ms)) return [];
  const share = {
    rate: waits.rate.ms / spent,
    breaker: waits.breaker.ms / spent,
    throttled: waits.throttled.ms / spent,
  };
  const spentOn = (part: number): string => `${percent(part)} of the time of \`${name}\` was spent waiting`;
  const rate = waits.rate.of === null ? 'its rate' : `the rate \`${waits.rate.of}\``;
  const breaker = waits.breaker.of === null ? 'its breaker' : `the breaker \`${waits.breaker.of}\``;
  const opened = report.breakers.filter(
    (each) => each.to === 'open' && each.breaker === (waits.breaker.of ?? name),
  ).length;
  const times = opened === 0 ? '' : `, which opened ${opened === 1 ? 'once' : `${number(opened)} times`}`;
  // Who waits for a rate has one, which is more than the other side bears.
  const lower = waits.rate.count === 0 ? 'give it a `rate`' : `lower ${rate}`;
  const came = ok === 0 || report.ms === 0 ? '' : `; about ${showRate((ok * 1000) / report.ms)} came through`;
  return [
    share.rate < WORTH.rate
      ? undefined
      : {
          share: share.rate,
          text: `${spentOn(share.rate)} for ${rate}: more workers will not help; raise the rate or accept it`,
        },
    share.breaker < WORTH.breaker
      ? undefined
      : {
          share: share.breaker,
          text: `${spentOn(share.breaker)} for ${breaker}${times}: the other side failed; more workers would not help it`,
        },
    share.throttled < WORTH.throttled || busyMs === null
      ? undefined
      : {
          share: share.throttled,
          text: `${spentOn(share.throttled)} because the other side said so: ${lower}${came}`,
        },
  ];
}

function retries({ name, attempts, retries: again, retriedAfter }: StepReport): Ranked | undefined {
  if (attempts === null || again === null || again < WORTH.leastRetries || again < WORTH.retries * attempts)
    return undefined;
  const [most] = Object.entries(retriedAfter ?? {}).sort(([, a], [, b]) => b - a);
  const after = most === undefined ? '' : ` after ${most[0]}${most[1] < again ? ' and others' : ''}`;
  const share = again / attempts;
  return {
    share,
    text: `${percent(share)} of the attempts of \`${name}\` were retries${after}: each costs its time again`,
  };
}

/** Which step the run waited for, and whether more workers would help it. */
function workers(report: Report, known: Known): string[] {
  const { ms, stages, resources } = report;
  const busyMs = total(report.steps, (step) => step.busyMs);
  const step = [...report.steps].sort((a, b) => (b.busyMs ?? 0) - (a.busyMs ?? 0))[0];
  if (ms < WORTH.runMs || step === undefined || busyMs === 0) return [];
  const share = (step.busyMs ?? 0) / busyMs;
  const stage = stages.find(({ steps }) => steps.includes(step.name));
  if (stage === undefined || share < WORTH.bottleneck) return [];
  const ofStage = total(
    report.steps.filter(({ name }) => stage.steps.includes(name)),
    (each) => each.busyMs,
  );
  const { concurrency } = stage;
  const busy = Math.min(1, ofStage / (concurrency * ms));
  if (busy < WORTH.busy) return [];
  const used = usedOf(resources, ms);
  const head = `step \`${step.name}\` is the bottleneck: ${percent(share)} of busy time`;
  const those = concurrency === 1 ? 'its one worker was' : `its ${number(concurrency)} workers were`;
  if (used === undefined) return [`${head}, and ${those} busy ${percent(busy)} of the run`];
  if (used >= WORTH.processors) {
    return [
      `${head}, and the processors were busy ${percent(used)} of the run: more workers will not help, more processors would`,
    ];
  }
  // Twice as many, or as many as the processors are likely to bear, and as can have work: its rate lets no more through.
  const faster = fasterBy(report, stage.steps, known);
  const borne = Math.max(concurrency + 1, Math.floor(concurrency * Math.min(2, 1 / Math.max(used, 0.01))));
  const more = Math.min(borne, Math.ceil(concurrency * busy * faster));
  const left = Math.max(ms * (1 - busy * (1 - concurrency / more)), ms / faster);
  if (faster < Infinity && (more <= concurrency || left > ms * (1 - WORTH.saved))) {
    return [
      `${head}, and ${those} busy ${percent(busy)} of the run: more would not help much, as its rate is nearly used up`,
    ];
  }
  const by = known.workersBy ?? (stage.from === 'step' ? 'key' : 'flag');
  const how = by === 'key' ? `\`concurrency: ${more}\`` : `-j ${more}`;
  return [
    `${head}, and ${those} busy ${percent(busy)} of the run: ${how} would take about ${seconds(left)} instead of ${seconds(ms)}`,
  ];
}

/** How many times as fast the run may become at most, by the rates of the steps of a stage and what came of them. */
function fasterBy({ steps, ms }: Report, names: readonly string[], { limiters }: Known): number {
  const factors = names.map((name) => {
    const limiter = limiters?.get(name);
    // Other steps may share it, and become as much faster.
    const attempts = total(steps, (step) => (limiters?.get(step.name) === limiter ? step.attempts : 0));
    return limiter === undefined || attempts === 0 ? Infinity : (limiter.perSecond * ms) / (attempts * 1000);
  });
  return Math.max(1, Math.min(...factors));
}

/** The share of the time of all processors that was used, where that is known. */
function usedOf({ processors, cpuSeconds: { own, children } }: Report['resources'], ms: number): number | undefined {
  if (processors === null || own === null || children === null) return undefined;
  return Math.min(1, ((own + children) * 1000) / (processors * ms));
}

const total = (steps: readonly StepReport[], of: (step: StepReport) => number | null): number =>
  steps.reduce((sum, step) => sum + (of(step) ?? 0), 0);

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const number = (value: number): string => value.toLocaleString('en');

const seconds = (ms: number): string =>
  `${(ms / 1000).toLocaleString('en', { maximumFractionDigits: ms < 10_000 ? 1 : 0 })} s`;

/** As a rate is written: by the second, or by the minute or hour where that is less than one. */
function showRate(perSecond: number): string {
  const [unit, size] = perSecond >= 1 ? ['s', 1] : perSecond * 60 >= 1 ? ['m', 60] : ['h', 3600];
  return `${(perSecond * size).toLocaleString('en', { maximumSignificantDigits: 2 })}/${unit}`;
}

/** The longest text that is taken from data, in characters. */
const LONGEST = 100;

const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
};
