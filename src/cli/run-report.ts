import { BatchxError } from '../core/errors.js';
import { showMs } from '../core/show-ms.js';
import type { FileRunResult } from '../pipeline/run-file.js';
import { ItemRows } from '../report/item-rows.js';
import { makeReport } from '../report/make-report.js';
import { checkReportPath, writeReport } from '../report/report-file.js';
import type { WorkersBy } from '../report/recommendations.js';
import type { Report, Resources } from '../report/report-schema.js';
import { redactedJson } from '../core/redacted.js';
import { RunRecorder } from '../report/run-recorder.js';
import { asExit, type Ending, EXIT } from './exit.js';
import type { Again } from './failures.js';
import { withAdvice } from './halted.js';
import { ownLine } from './plan-text.js';
import { number, perSecond } from './progress-line.js';
import { resourcesUsed } from './resources.js';
import type { Conclusion, Session } from './session.js';
import { say } from './terminal.js';
import { version } from './version.js';
import { writeOut } from './write-out.js';

export interface ReportingOptions {
  readonly pipeline: string;
  readonly workersBy: WorkersBy;
  /** Where the command line wants the report, and a row for each item. */
  readonly report: string | undefined;
  readonly items: string | undefined;
  /** Whether it is to be printed as well. */
  readonly json: boolean;
  /** Hides the secrets of the pipeline. */
  readonly redact: (text: string) => string;
  /** The command line that runs the items of a file again, where there is one; `elsewhere` it writes to other files. */
  readonly again: (file: string, elsewhere: boolean) => string | undefined;
  /** How they are run again where the run has a job, once that is known. */
  readonly inJob: () => Again | undefined;
  /** Whether the items of that file can be given as input. */
  readonly letters: boolean;
  /** Keeps it in the job of the run, if there is one. */
  readonly keep: (report: Report) => Promise<void>;
}

/** So much of the values that were made of all results has room in a line, in characters. */
const SMALL = 160;
/** How many recommendations are told. */
const TOLD = 2;

/** The report of a run of the command line: what counts, where it is written, and what is told of it at the end. */
export class Reporting {
  readonly #options: ReportingOptions;
  #recorder: RunRecorder | undefined;
  #rows: ItemRows | undefined;

  constructor(options: ReportingOptions) {
    this.#options = options;
  }

  /** Throws when something could surely not be written at the end. */
  async check(): Promise<void> {
    const { report, items } = this.#options;
    for (const path of [report, items]) if (path !== undefined) await checkReportPath(path);
  }

  /** What counts what the run does, from now on. */
  begin({ runtime, account }: Session): RunRecorder {
    const { items, redact } = this.#options;
    this.#recorder = new RunRecorder(runtime, account);
    if (items !== undefined) {
      this.#rows = new ItemRows(items, redact, runtime);
      this.#recorder.onItem = this.#rows.add;
    }
    return this.#recorder;
  }

  /** Writes the report of a run that has ended so. What cannot be written is told, and makes another ending of it. */
  readonly conclude = async (result: FileRunResult, ended: Ending): Promise<Conclusion> => {
    const { json, report, redact } = this.#options;
    let ending = ended;
    let { error } = result;
    const endWith = (other: Ending): void => {
      // A signal, and a bug, stay what they are.
      if (typeof ending === 'number' && ending !== EXIT.bug) ending = other;
    };
    const failed = (thrown: unknown): void => {
      const unwritten = BatchxError.from(thrown, 'output');
      error ??= unwritten;
      endWith(EXIT.output);
      say(unwritten.message);
    };
    const used = resourcesUsed();
    await this.#rows?.close().catch(failed);
    const make = (): Report => this.#make(result, ending, error, used);
    const text = (indent?: number): string => `${redactedJson(make(), redact, indent)}\n`;
    const paths = new Set([report, result.report].filter((path) => path !== undefined));
    const written: string[] = [];
    const write = async (path: string): Promise<void> =>
      writeReport(path, text(2), this.#recorder as RunRecorder, result.mark).then(
        () => void written.push(path),
        failed,
      );
    for (const path of paths) await write(path);
    if (json && ending !== 'SIGPIPE') {
      // Behind rows it is one more of them.
      const among = this.#recorder?.outputs.list.some(({ path }) => path === '-') === true;
      await writeOut(text(among ? undefined : 2)).catch((thrown: unknown) => {
        if (thrown instanceof BatchxError && thrown.code === 'closed') endWith('SIGPIPE');
        else failed(thrown);
      });
    }
    // Each says how the program ends: one that was written before that was known is written again.
    if (ending !== ended) for (const path of written.splice(0)) await write(path);
    await this.#options.keep(make()).catch(failed);
    return { ending, ...this.#tell(make(), result, written) };
  };

  #make(result: FileRunResult, ending: Ending, error: BatchxError | undefined, resources: Resources): Report {
    const { halted, interrupted, id, aggregate, failed } = result;
    return makeReport(this.#recorder as RunRecorder, {
      batchx: version,
      pipeline: this.#options.pipeline,
      workersBy: this.#options.workersBy,
      run: id,
      exit: asExit(ending),
      interrupted,
      halted: halted === undefined ? null : { rule: halted.rule?.said ?? null, words: withAdvice(halted) },
      error,
      aggregate,
      resources,
      failed: this.#failed(failed),
    });
  }

  #failed(written: string | undefined): { readonly file: string | undefined; readonly command: string | undefined } {
    const own = this.#options.inJob();
    if (own !== undefined) return { file: written ?? own.file, command: own.command };
    const command = written === undefined ? undefined : this.#options.again(written, this.#replaces());
    return { file: written, command };
  }

  /** Run again, sinks would put the results of a few in the place of those of all. */
  #replaces(): boolean {
    const { items } = this.#options;
    return this.#recorder?.outputs.list.some(({ path }) => path !== '-' && path !== items) === true;
  }

  #tell(
    report: Report,
    { aggregate, failed, own = 0 }: FileRunResult,
    written: readonly string[],
  ): Omit<Conclusion, 'ending'> {
    const { ms, throughput, recommendations, failures } = report;
    const rate = throughput === null ? '' : `, ${perSecond(throughput)}/s`;
    const values = aggregate === undefined ? '' : JSON.stringify(aggregate);
    const kept = written.length > 0 || this.#options.json;
    return {
      took: ` in ${showMs(ms)}${rate}`,
      again:
        this.#options.inJob() ??
        (failed === undefined
          ? undefined
          : {
              file: failed,
              command: failures.again ?? undefined,
              replaces: this.#replaces(),
              unread: !this.#options.letters,
            }),
      lines: [
        ...(values === '' || (kept && values.length > SMALL) ? [] : [values]),
        ...cached(report),
        ...(own === 0 ? [] : [ownLine(own)]),
        ...recommendations.slice(0, TOLD),
        ...(written.length > 0 ? [`the report is in ${written.join(' and ')}`] : []),
      ],
    };
  }
}

/** What the caches of steps have saved. */
const cached = ({ steps }: Report): string[] =>
  steps.flatMap(({ name, cache }) => {
    if (cache === null || cache.hits === 0) return [];
    const all = number(cache.hits + cache.misses);
    return [`${number(cache.hits)} of ${all} results of \`${name}\` were in its cache`];
  });
