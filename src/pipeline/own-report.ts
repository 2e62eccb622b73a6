import { BatchxError } from '../core/errors.js';
import { makeReport } from '../report/make-report.js';
import { redactedJson } from '../core/redacted.js';
import { writeReport } from '../report/report-file.js';
import type { Resources } from '../report/report-schema.js';
import type { RunRecorder } from '../report/run-recorder.js';
import type { RunResult } from './run-result.js';

/** How the pipeline ended. */
interface End extends RunResult {
  readonly id: string;
  readonly aggregate: unknown;
  readonly failed: string | undefined;
  readonly mark: string | undefined;
}

/** What a process has used is not known to code that runs in one. */
const unknown: Resources = {
  processors: null,
  cpuSeconds: { own: null, children: null },
  peakMemory: { own: null, children: null },
};

/** Writes the report of a pipeline that was run from code, where no process ends with it; gives why it could not. */
export async function writeOwnReport(
  path: string,
  pipeline: string,
  result: End,
  recorder: RunRecorder,
  redact: (text: string) => string,
): Promise<BatchxError | undefined> {
  const { halted, interrupted, error, id, aggregate, failed, mark } = result;
  const report = makeReport(recorder, {
    batchx: null,
    workersBy: 'key',
    pipeline,
    run: id,
    exit: null,
    interrupted,
    halted:
      halted === undefined
        ? null
        : {
            rule: halted.rule?.said ?? null,
            words:
              halted.rule?.said ?? [halted.error?.message ?? 'halted', halted.error?.advice ?? []].flat().join('; '),
          },
    error,
    aggregate,
    resources: unknown,
    failed: { file: failed, command: undefined },
  });
  try {
    await writeReport(path, `${redactedJson(report, redact, 2)}\n`, recorder, mark);
    return undefined;
  } catch (thrown) {
    return BatchxError.from(thrown, 'output');
  }
}
