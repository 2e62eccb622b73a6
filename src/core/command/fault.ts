import { BatchxError } from '../errors.js';

/** Refuses a command for what is at a place in its text. */
export function fault(text: string, at: number, message: string): never {
  throw new BatchxError('usage', `command: at character ${at + 1} of ${JSON.stringify(text)}: ${message}`);
}
