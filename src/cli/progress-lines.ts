import { printable } from '../core/printable.js';
import type { OpenBreaker, ProgressFigures, StageProgress, WaitingItems } from '../report/run-progress.js';
import { joinParts, number, progressParts, some } from './progress-line.js';
import { cutToWidth, widthOf } from './text-width.js';

export interface ProgressLook {
  /** Whether the stages are told one by one. */
  readonly stages: boolean;
  /** Hides what is secret. */
  readonly redact: (text: string) => string;
  /** The time of day, in milliseconds since 1970. */
  readonly now: number;
}

/** How wide a screen is, and how many lines there is room for. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

/** Waits that are over sooner would only flicker; in milliseconds. */
const LONG = 1_000;
/** How many kinds of waits, and how many breakers, are told. */
const MOST = 3;
/** The least that the name of a stage takes of its line. */
const NAME = 8;
/** Behind the line of the run, those below it. */
const INDENT = 2;

/** How a run stands, for a screen: a line for the run, one for each stage, and what is waited for. */
export function progressLines(figures: ProgressFigures, look: ProgressLook, { columns, rows }: Room): string[] {
  const room = columns - INDENT;
  const below = [...troubles(figures, look)].map((line) => cutToWidth(line, room));
  const stages = look.stages ? figures.stages : [];
  // What is waited for matters more than a stage that nothing is in.
  const free = Math.max(0, rows - 1 - below.length);
  const shown = stages.length <= free ? stages : busiest(stages, Math.max(0, free - 1));
  const more = stages.length - shown.length;
  return [
    joinParts(progressParts(figures), columns),
    ...stageLines(shown, look, room).map(indented),
    ...(more > 0 && free > 0
      ? [indented(cutToWidth(`and ${number(more)} more ${more === 1 ? 'stage' : 'stages'}`, room))]
      : []),
    ...below.map(indented),
  ].slice(0, Math.max(1, rows));
}

const indented = (line: string): string => ' '.repeat(INDENT) + line;

/** How a run stands, in one line of any length. */
export function progressText(figures: ProgressFigures, look: ProgressLook): string {
  const stages = look.stages ? figures.stages : [];
  return [
    ...progressParts(figures),
    ...stages.map((stage) => `${nameOf(stage, look)}: ${stageParts(stage).join(', ')}`),
    ...troubles(figures, look),
  ].join(' · ');
}

function busiest(stages: readonly StageProgress[], count: number): StageProgress[] {
  const first = stages.filter(({ inFlight }) => inFlight > 0);
  const chosen = new Set([...first, ...stages].slice(0, count));
  return stages.filter((stage) => chosen.has(stage));
}

function stageLines(stages: readonly StageProgress[], look: ProgressLook, room: number): string[] {
  const most = Math.max(NAME, Math.floor(room / 3));
  const names = stages.map((stage) => cutToWidth(nameOf(stage, look), most));
  const width = Math.max(...names.map(widthOf), 0);
  return stages.map((stage, index) => {
    const name = names[index] as string;
    const head = `${name}${' '.repeat(width - widthOf(name))}  `;
    return cutToWidth(`${head}${joinParts(stageParts(stage), room - width - 2)}`.trimEnd(), room);
  });
}

const nameOf = ({ steps }: StageProgress, { redact }: ProgressLook): string => printable(redact(steps.join(', ')));

const stageParts = ({ inFlight, ok, failed, skipped, retries }: StageProgress): string[] => [
  `${number(inFlight)} in flight`,
  `${number(ok)} ok`,
  ...some(failed, 'failed'),
  ...some(skipped, 'skipped'),
  ...some(retries, retries === 1 ? 'retry' : 'retries'),
];

/** What is waited for, and which breakers let nothing through. */
function* troubles({ waits, breakers }: ProgressFigures, look: ProgressLook): Generator<string> {
  const told = (text: string): string => printable(look.redact(text));
  const open = breakers.slice(0, MOST).map((breaker) => told(openText(breaker)));
  yield* open;
  if (breakers.length > MOST) yield `${number(breakers.length - MOST)} more breakers are open`;
  const long = waits.filter(({ ms, until }) => ms >= LONG || (until !== undefined && until - look.now >= LONG));
  for (const wait of long.slice(0, MOST)) yield told(waitText(wait, look.now));
}

function openText({ name, key, state, calls, failures }: OpenBreaker): string {
  const of = key === undefined ? `\`${name}\`` : `\`${name}\` for ${key}`;
  if (state === 'half-open') return `the breaker ${of} is half open: a few calls show whether it goes well again`;
  if (state !== 'open') return `the breaker ${of} is open, as it was told to be`;
  return calls === 0 ? `the breaker ${of} is open` : `the breaker ${of} is open: ${failures} of ${calls} calls failed`;
}

function waitText({ reason, of, steps, count, until }: WaitingItems, now: number): string {
  const step = steps.map((name) => `\`${name}\``).join(', ');
  const what = {
    rate: of === undefined ? `for the rate of ${step}` : `for the rate \`${of}\``,
    breaker: of === undefined ? `for the breaker of ${step}` : `for the breaker \`${of}\``,
    retry: `to try ${step} again`,
    throttled: `as ${of === undefined ? step : `\`${of}\``} was told to`,
    slot: `for a place in ${step}`,
  }[reason];
  const then = until === undefined || until <= now ? '' : ` until ${timeOfDay(until, now)}`;
  return `${number(count)} ${count === 1 ? 'waits' : 'wait'} ${what}${then}`;
}

const DAY = 86_400_000;

/** A time of day, of today unless it is more than a day away. */
function timeOfDay(at: number, now: number): string {
  // Rounded up: it is not over before.
  const date = new Date(Math.ceil(at / 1000) * 1000);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
  if (at - now < DAY) return time;
  return `${[date.getFullYear(), ...[date.getMonth() + 1, date.getDate()].map(twoDigits)].join('-')} ${time}`;
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');
