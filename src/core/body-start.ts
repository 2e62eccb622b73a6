import type { SchedulerLike } from 'rxjs';
import { wait } from './wait.js';

/** What is read of a body: a stream of bytes, as `fetch` gives one. */
export interface ByteStream {
  readonly locked: boolean;
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
}

/**
 * The text at the beginning of a body: at most `limit` bytes, and what comes within `ms`. What is left of the body is
 * cancelled, which frees the connection. A body that fails, or that somebody else reads, gives what there is.
 */
export async function bodyStart(
  body: ByteStream,
  limit: number,
  ms: number,
  scheduler: SchedulerLike,
): Promise<string> {
  if (body.locked) return '';
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  // A read that waits ends when the body is cancelled.
  const timer = wait(ms, scheduler).subscribe(cancel);
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (let left = limit; left > 0;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) break;
      // A character of which only a part is there is left out.
      text += decoder.decode(value.subarray(0, left), { stream: true });
      left -= value.length;
    }
  } catch {
    // The status has been told, and that is what the error is about.
  }
  timer.unsubscribe();
  cancel();
  return text;
}
