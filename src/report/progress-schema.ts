import * as z from 'zod';

const whole = () => z.int().min(0);
const ms = (what: string) => z.number().min(0).describe(`${what}, in milliseconds.`);
const nullable = (what: string) => z.string().nullable().describe(what);

const error = () =>
  z
    .strictObject({
      code: z.string().describe('What kind of thing went wrong; codes are stable.'),
      class: z.string().describe('What it says of trying again.'),
      message: z.string(),
      where: nullable('Where it happened, if that is known.'),
    })
    .nullable();

const item = {
  id: z.string().describe('What the item is called.'),
  seq: whole().describe('Its number in the input, from 0; what it was split into has the same.'),
};
const step = { step: nullable('What the step is called, if that is known.') };
const wait = {
  ...item,
  ...step,
  reason: z.enum(['rate', 'breaker', 'retry', 'throttled', 'slot']).describe('What is waited for.'),
  of: nullable('The name of the rate or breaker, where it has one.'),
};
const until = () => z.iso.datetime().nullable().describe('When it is over at the earliest, where that is known.');

const event = <N extends `batch:${string}`, S extends z.ZodRawShape>(name: N, what: string, shape: S) =>
  z.strictObject({ event: z.literal(name), time: z.iso.datetime().describe('When, in UTC.'), ...shape }).describe(what);

const counts = {
  read: whole(),
  ok: whole(),
  failed: whole(),
  skipped: whole(),
  inDoubt: whole(),
  pending: whole(),
};

const stage = z.strictObject({
  steps: z.array(z.string()).describe('The names of its steps.'),
  concurrency: whole().describe('How many items it works on at once.'),
  inFlight: whole().describe('Items that are in it, also those that wait.'),
  ok: whole().describe('Items that went on behind it.'),
  failed: whole(),
  skipped: whole(),
  retries: whole(),
});

/** The schema of a line that `--progress json` writes: an event of the run, or how it stands. */
export const progressSchema = z
  .discriminatedUnion('event', [
    event('batch:start', 'The run begins.', {
      name: z.string().describe('What the pipeline, or the command, is called.'),
      total: whole().nullable().describe('How many items there are, where that is known before they are read.'),
      stages: z.array(stage.pick({ steps: true, concurrency: true })),
    }),
    event('batch:read', 'All of the input has been read.', { items: whole().describe('How many items it has.') }),
    event('batch:item:start', 'An item of the source enters the pipeline.', item),
    event('batch:command', 'A command is about to be run for an item.', { ...item, command: z.string() }),
    event('batch:attempt', 'An attempt has failed, and there will be another one.', {
      ...item,
      ...step,
      attempt: whole(),
      error: error(),
      waitMs: ms('How long until then'),
    }),
    event('batch:attempt:end', 'An attempt is over; `error` is null when it went well.', {
      ...item,
      ...step,
      attempt: whole(),
      ms: ms('How long it took'),
      error: error(),
    }),
    event('batch:wait', 'A call has to wait.', { ...wait, until: until() }),
    event('batch:wait:end', 'The wait is over, whether the call is made now or not.', {
      ...wait,
      ms: ms('How long it took'),
    }),
    event('batch:cache', 'The result of a step was looked for in its cache.', {
      ...item,
      step: z.string(),
      hit: z.boolean().describe('Whether it was found there.'),
    }),
    event('batch:concurrency', 'How many calls of a step may run at once has been found out anew.', {
      step: z.string(),
      cap: whole(),
    }),
    event('batch:breaker', 'A breaker has changed its state.', {
      breaker: z.string().describe('Its name, or that of its step.'),
      key: nullable('Whose it is, where each key has its own.'),
      from: z.string(),
      to: z.string(),
      reason: z.string(),
      calls: whole().describe('The results that it judged by.'),
      failures: whole(),
    }),
    event('batch:input', 'An input has been read, to its end or not.', { path: z.string(), bytes: whole() }),
    event('batch:output', 'An output has been written and closed.', {
      path: z.string(),
      bytes: whole(),
      id: nullable('The item that it is the file of, if it is that of one alone.'),
      seq: whole().nullable(),
    }),
    event('batch:folder', 'A folder was made.', { path: z.string() }),
    event('batch:item:end', 'An item of the source is settled.', {
      ...item,
      status: z.enum(['ok', 'failed', 'skipped', 'in-doubt']),
      reason: nullable('Why it was skipped.'),
      error: error(),
    }),
    event('batch:warning', 'Something the user should know that is nobody’s failure.', {
      message: z.string(),
      where: nullable('Where it happened, if that is known.'),
    }),
    event('batch:end', 'The run is over; `error` says why it could not go on.', { error: error() }),
    event('batch:progress', 'How the run stands: each second, and once before its end is told.', {
      seconds: z.number().min(0).describe('How long it has been going on.'),
      ...counts,
      total: whole().nullable().describe('How many items there are, once that is known.'),
      rate: z.number().min(0).describe('Items settled a second, since it began.'),
      remaining: z
        .strictObject({ least: z.number().min(0), most: z.number().min(0).nullable() })
        .nullable()
        .describe(
          'How long the rest will probably take, in seconds; `most` is null when nothing was done lately, all of it while nothing is known.',
        ),
      retries: whole().describe('Calls that were over and not the first of their item.'),
      stages: z.array(stage),
      waits: z
        .array(
          z.strictObject({
            reason: wait.reason,
            of: wait.of,
            steps: z.array(z.string()),
            count: whole().describe('How many items wait for that.'),
            until: z.iso
              .datetime()
              .nullable()
              .describe('When the last of them may go on at the earliest, where that is known.'),
          }),
        )
        .describe('What items wait for.'),
      breakers: z
        .array(
          z.strictObject({
            breaker: z.string(),
            key: z.string().nullable(),
            state: z.string(),
            calls: whole(),
            failures: whole(),
          }),
        )
        .describe('Those that are not closed.'),
    }),
  ])
  .meta({ title: 'batchx progress', description: 'A line of `--progress json`.' });

export type ProgressEvent = z.output<typeof progressSchema>;

/** The same as a JSON Schema. */
export const progressJsonSchema = (): object => z.toJSONSchema(progressSchema, { io: 'output' });
