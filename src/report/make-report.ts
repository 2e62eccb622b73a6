import type { BatchxError } from '../core/errors.js';
import type { Quantiles } from '../core/quantiles.js';
import type { SlowItem } from './item-times.js';
import { recommend, type WorkersBy } from './recommendations.js';
import type { Report, Resources, StepReport } from './report-schema.js';
import { round } from './round.js';
import type { RunRecorder, StageFigures } from './run-recorder.js';
import type { StepMeter, Waits } from './step-meter.js';

/** What is not counted but known at the end of a run. */
export interface RunEnd {
  readonly batchx: string | null;
  readonly pipeline: string;
  readonly run: string;
  /** How its user says how many workers there are, where that is known. */
  readonly workersBy?: WorkersBy | undefined;
  /** Null when no process ends with the run. */
  readonly exit: number | null;
  readonly interrupted: boolean;
  readonly halted: Report['halted'];
  readonly error: BatchxError | undefined;
  readonly aggregate: unknown;
  readonly resources: Resources;
  /** Where failed items were written to, and the command line that runs just them. */
  readonly failed: { readonly file: string | undefined; readonly command: string | undefined };
}

/** Makes the report of a run that is over. */
export function makeReport(recorder: RunRecorder, end: RunEnd): Report {
  const { account, causes, began, ended, steps } = recorder;
  const { counts } = account;
  const ms = Math.max(0, ended.clock - began.clock);
  const { batchx, pipeline, run, exit, interrupted, halted, error, resources, failed } = end;
  const { total, others } = causes;
  const report: Report = {
    version: 1,
    batchx,
    pipeline,
    run,
    startedAt: iso(began.wall),
    endedAt: iso(ended.wall),
    ms: round(ms),
    exit,
    interrupted,
    halted,
    error: error === undefined ? null : { code: error.code, message: error.message },
    counts,
    skipped: Object.fromEntries(recorder.skipped),
    throughput: perSecond(counts.read - counts.pending, ms),
    stages: recorder.stages.map(stageOf),
    steps: steps.map((step) => stepOf(step, ms, ended.clock)),
    bytes: { in: recorder.bytesIn ?? null, out: bytesOut(recorder) },
    resources,
    apiCalls: recorder.requests,
    rateLimitHits: recorder.throttled,
    breakers: recorder.breakers.list.map(({ at, breaker, key, ...change }) => ({
      at: iso(at),
      breaker,
      key: key ?? null,
      ...change,
    })),
    folders: { count: recorder.folders.count, paths: [...recorder.folders.list] },
    outputs: {
      written: [...recorder.outputs.list],
      files: recorder.files.count,
      filesBytes: recorder.files.bytes,
    },
    warnings: {
      count: recorder.warnings.count,
      list: recorder.warnings.list.map(({ message, where }) => ({ message, where: where ?? null })),
    },
    failures: {
      total,
      causes: causes.list.map((cause) => ({ ...cause })),
      others,
      file: total === 0 ? null : (failed.file ?? null),
      again: total === 0 ? null : (failed.command ?? null),
    },
    slowest: recorder.times.slowest.map(slowOf),
    aggregate: end.aggregate ?? null,
    recommendations: [],
  };
  const known = { workersBy: end.workersBy, limiters: new Map(steps.map(({ name, limiter }) => [name, limiter])) };
  return { ...report, recommendations: recommend(report, known) };
}

function stageOf({ concurrency, from, steps, counts }: StageFigures): Report['stages'][number] {
  const { begun, ok, failed, skipped } = counts;
  return {
    concurrency,
    from,
    steps: [...steps],
    in: begun,
    ok,
    failed,
    skipped,
    pending: begun - ok - failed - skipped,
  };
}

function stepOf(meter: StepMeter, runMs: number, endedAt: number): StepReport {
  const { name, verb, kind, in: came, ok, latency, waits } = meter;
  // What failed or was skipped before is still on its way through one that was cut short.
  const failed = Math.max(0, meter.failed);
  const skipped = Math.max(0, meter.skipped);
  const done = ok + failed + skipped;
  const counts = { name, verb, in: came, ok, failed, skipped };
  const throughput = perSecond(done, runMs);
  if (kind !== 'timed') return { ...counts, pending: kind === 'flow' ? null : came - done, throughput, ...unknown };
  return {
    ...counts,
    pending: came - done,
    throughput,
    attempts: meter.attempts,
    retries: meter.retries,
    throttled: meter.throttled,
    latency: latency.count === 0 ? null : quantilesOf(latency),
    busyMs: round(meter.busyMs),
    ms: round(meter.msBy(endedAt)),
    waits: {
      rate: waitsOf(waits.rate),
      breaker: waitsOf(waits.breaker),
      retry: waitsOf(waits.retry),
      throttled: waitsOf(waits.throttled),
      slot: waitsOf(waits.slot),
    },
    retriedAfter: Object.fromEntries(meter.retriedAfter),
    cache: meter.cache === undefined ? null : { ...meter.cache },
  };
}

const unknown = {
  attempts: null,
  retries: null,
  throttled: null,
  latency: null,
  busyMs: null,
  ms: null,
  waits: null,
  retriedAfter: null,
  cache: null,
};

function waitsOf({ count, ms, byName }: Waits): { count: number; ms: number; of: string | null } {
  const [longest] = [...byName].sort(([, a], [, b]) => b - a);
  return { count, ms: round(ms), of: longest?.[0] ?? null };
}

function quantilesOf(latency: Quantiles): NonNullable<StepReport['latency']> {
  const at = (q: number): number => round(latency.quantile(q) ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: round(latency.max) };
}

function slowOf({ id, status, ms, attempts, steps }: SlowItem): Report['slowest'][number] {
  return { id, status, ms: round(ms), attempts, steps: rounded(steps) };
}

/** What was written for single items is known even when it is nothing, once there is a sink that tells. */
function bytesOut({ outputs, files }: RunRecorder): number | null {
  if (outputs.count === 0 && files.count === 0) return null;
  return outputs.list.reduce((sum, { bytes }) => sum + bytes, files.bytes);
}

const perSecond = (count: number, ms: number): number | null => (ms > 0 ? round((count * 1000) / ms) : null);

const iso = (wall: number): string => new Date(wall).toISOString();

/** Times of steps as they are shown: a microsecond is finer than the clock is right. */
export const rounded = (steps: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(steps).map(([name, ms]) => [name, round(ms)]));
