import type { Runtime } from '../core/runtime.js';
import { type EventData, progressData, tellAll } from '../report/event-data.js';
import { redactedJson } from '../core/redacted.js';
import type { RunProgress } from '../report/run-progress.js';

/** How often it is told how the run stands, in milliseconds. */
const EVERY = 1_000;

/** Writes each event of a run as a line of JSON, and each second how it stands; gives what ends that. */
export function writeEvents(
  { events, wallNow }: Pick<Runtime, 'events' | 'wallNow'>,
  progress: RunProgress,
  redact: (text: string) => string,
  write: (line: string) => void,
): () => void {
  const line = (event: string, data: EventData): void => {
    const text = redactedJson(data, redact);
    const head = JSON.stringify({ event, time: new Date(wallNow()).toISOString() });
    write(text === '{}' ? head : `${head.slice(0, -1)},${text.slice(1)}`);
  };
  const stand = (): void => {
    progress.look();
    line('batch:progress', progressData(progress.figures));
  };
  const timer = setInterval(stand, EVERY).unref();
  const end = tellAll(events, (name, data) => {
    if (name === 'batch:end') stand();
    line(name, data);
  });
  return () => {
    clearInterval(timer);
    end();
  };
}
