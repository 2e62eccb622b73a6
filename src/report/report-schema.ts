import * as z from 'zod';

const whole = () => z.int().min(0);
const ms = (what: string) => z.number().min(0).describe(`${what}, in milliseconds.`);
const time = (what: string) => z.iso.datetime().describe(`${what}, in UTC.`);

const waits = (what: string) =>
  z
    .strictObject({
      count: whole().describe('How many waits were over.'),
      ms: ms('How long they took together'),
      of: z.string().nullable().describe('The name of the rate or breaker that most of it was for, if it has one.'),
    })
    .describe(what);

const step = z.strictObject({
  name: z.string().describe('Its name; a number is added where another step has the same.'),
  verb: z.string().describe('What it does, as the pipeline file says it.'),
  in: whole().describe(
    'Items that came to it; those that had failed or been skipped before, or were not for it, did not.',
  ),
  ok: whole().describe('Items that went on behind it.'),
  failed: whole(),
  skipped: whole(),
  pending: whole()
    .nullable()
    .describe('Items that it began and did not end; null for one that changes how many items there are.'),
  throughput: z.number().min(0).nullable().describe('Items a second that it was done with, over the whole run.'),
  attempts: whole()
    .nullable()
    .describe('Calls that were over; null for steps that work in memory, as all that follows.'),
  retries: whole().nullable().describe('Those of them that were not the first of their item.'),
  throttled: whole().nullable().describe('Those of them that were told to wait, as by the status 429.'),
  latency: z
    .strictObject({ p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() })
    .nullable()
    .describe('How long single attempts took, in milliseconds; null when there were none.'),
  busyMs: ms('How long its attempts took together').nullable(),
  ms: ms('How long its items were in it together, with all retries and waits').nullable(),
  waits: z
    .strictObject({
      rate: waits('For a permit of a rate.'),
      breaker: waits('For a breaker that was open.'),
      retry: waits('Before an attempt was made again.'),
      throttled: waits('For as long as the other side had asked for.'),
      slot: waits('For a place among the calls that run.'),
    })
    .nullable(),
  retriedAfter: z
    .record(z.string(), whole())
    .nullable()
    .describe('How often it was to be tried again after what, such as `503` or `exit code 1`.'),
  cache: z
    .strictObject({
      hits: whole().describe('Results that were found: their calls were not made.'),
      misses: whole().describe('Results that were not.'),
    })
    .nullable()
    .describe('What was looked for in its cache; null for a step that has none, or for which nothing was looked for.'),
});

/** The schema of a report: what is said at the end of a run. */
export const reportSchema = z
  .strictObject({
    version: z.literal(1).describe('The version of this format.'),
    batchx: z.string().nullable().describe('The version of the program; null when it was run from code.'),
    pipeline: z.string().describe('What the pipeline is called.'),
    run: z.string().describe('The id of the run, as `{{ run.id }}` gives it.'),
    startedAt: time('When it began'),
    endedAt: time('When it ended'),
    ms: ms('How long it took'),
    exit: whole()
      .max(255)
      .nullable()
      .describe(
        'The exit code of the process; 128 and the number of the signal where that ended it; null when it was run from code.',
      ),
    interrupted: z.boolean().describe('Whether it was told to stop, as by Ctrl-C.'),
    halted: z
      .strictObject({
        rule: z
          .string()
          .nullable()
          .describe('The rule that was met; null when calls failed as every further one would have.'),
        words: z.string().describe('Why, in words, and what can be done about it.'),
      })
      .nullable(),
    error: z
      .strictObject({ code: z.string(), message: z.string() })
      .nullable()
      .describe('Why it could not go on, or why its report could not be written everywhere.'),
    counts: z
      .strictObject({
        read: whole(),
        ok: whole(),
        failed: whole(),
        skipped: whole(),
        inDoubt: whole(),
        pending: whole(),
      })
      .refine(
        ({ read, ok, failed, skipped, inDoubt, pending }) => read === ok + failed + skipped + inDoubt + pending,
        'expected `read` to be the sum of the others',
      )
      .describe('How many items were read, and what became of them: `read` is the sum of the others.'),
    skipped: z.record(z.string(), whole()).describe('How many items were skipped for which reason.'),
    throughput: z.number().min(0).nullable().describe('Items a second that were done with; null when no time passed.'),
    stages: z
      .array(
        z.strictObject({
          concurrency: z.int().min(1).describe('How many items it works on at once.'),
          from: z
            .enum(['step', 'run', 'usual'])
            .describe('Who says so: one of its steps, the pipeline or the command line for all, or nobody.'),
          steps: z.array(z.string()).describe('The names of its steps.'),
          in: whole().describe('Items that it began.'),
          ok: whole().describe('Items that went on behind it.'),
          failed: whole(),
          skipped: whole(),
          pending: whole().describe('Items that it began and did not end.'),
        }),
      )
      .describe('Consecutive steps that share their workers.'),
    steps: z.array(step),
    bytes: z
      .strictObject({ in: whole().nullable(), out: whole().nullable() })
      .describe(
        'What sources read, as it is unpacked, and what sinks and steps wrote to outputs; null where not known.',
      ),
    resources: z
      .strictObject({
        processors: whole().nullable(),
        cpuSeconds: z.strictObject({ own: z.number().nullable(), children: z.number().nullable() }),
        peakMemory: z.strictObject({ own: whole().nullable(), children: whole().nullable() }).describe('In bytes.'),
      })
      .describe(
        'What this process used since it began, and the commands that it ran; null where the system does not tell.',
      ),
    apiCalls: whole().describe('Requests that were sent over HTTP; those of commands are not known.'),
    rateLimitHits: whole().describe('Attempts that were told to wait, as by the status 429.'),
    breakers: z
      .array(
        z.strictObject({
          at: time('When'),
          breaker: z.string().describe('Its name, or that of its step.'),
          key: z.string().nullable().describe('Whose it is, where each key has its own.'),
          from: z.string(),
          to: z.string(),
          reason: z.string(),
          calls: whole().describe('The results that it judged by.'),
          failures: whole(),
        }),
      )
      .describe('Changes of state; the first thousand.'),
    folders: z
      .strictObject({ count: whole(), paths: z.array(z.string()) })
      .describe('The folders that were made; the first thousand by name.'),
    outputs: z
      .strictObject({
        written: z
          .array(z.strictObject({ path: z.string(), bytes: whole() }))
          .describe('What sinks wrote; `-` is stdout.'),
        files: whole().describe('Files that were written for one item each.'),
        filesBytes: whole(),
      })
      .describe('What was written.'),
    warnings: z
      .strictObject({
        count: whole(),
        list: z.array(z.strictObject({ message: z.string(), where: z.string().nullable() })),
      })
      .describe('What was warned of; the first thousand.'),
    failures: z.strictObject({
      total: whole(),
      causes: z.array(
        z.strictObject({
          code: z.string(),
          pattern: z.string().describe('The message that they have in common; `…` stands for what differs.'),
          count: whole(),
          where: z.string().describe('One of them.'),
          message: z.string().describe('Its message.'),
          retried: z.boolean(),
        }),
      ),
      others: whole().describe('How many failed for causes beyond the hundred that are kept.'),
      file: z.string().nullable().describe('Where they were written to, in a form that can be given as input again.'),
      again: z.string().nullable().describe('The command line that runs just them again, where there is one.'),
    }),
    slowest: z
      .array(
        z.strictObject({
          id: z.string(),
          status: z.string(),
          ms: ms('How long it was in its steps'),
          attempts: whole(),
          steps: z.record(z.string(), z.number()).describe('How long it was in which step, in milliseconds.'),
        }),
      )
      .describe('The ten items that were longest in the steps that are timed, with all that they were split into.'),
    aggregate: z.unknown().describe('What was made of all results; null when nothing was.'),
    job: z
      .strictObject({
        name: z.string(),
        run: z.string().describe('What the run is called: `batchx report` finds it by this.'),
        how: z
          .enum(['complete', 'partial', 'interrupted', 'halted', 'error'])
          .describe('How it ended; `partial` when not all of the input was to be read.'),
        part: z.boolean().describe('Whether it only ran again what had failed.'),
        args: z.array(z.string()).describe('The command line that it was started by, behind the name of the program.'),
        cwd: z.string().describe('Where that was given.'),
      })
      .optional()
      .describe('The job that it was a run of; only in the report that the job keeps.'),
    recommendations: z.array(z.string()).describe('What follows from the figures, the most important first.'),
  })
  .meta({ title: 'batchx report', description: 'What a run says at its end.' });

export type Report = z.output<typeof reportSchema>;
export type StepReport = Report['steps'][number];
export type Resources = Report['resources'];

/** The same as a JSON Schema. */
export const reportJsonSchema = (): object => z.toJSONSchema(reportSchema, { io: 'output' });
