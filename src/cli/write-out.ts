import { writeToDescriptor } from '../core/bytes-out.js';
import { refuseClosedOutput } from './closed.js';

/** Writes text to standard output; done when the system has taken all of it. */
export async function writeOut(text: string): Promise<void> {
  refuseClosedOutput();
  await writeToDescriptor(1, 'stdout').write(Buffer.from(text));
}
