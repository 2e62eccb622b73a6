import { type Ending, EXIT } from './exit.js';
import { tell } from './tell.js';
import { version } from './version.js';
import { writeOut } from './write-out.js';

/** Prints the version; a file of its own, so that nothing else is loaded for it. */
export async function writeVersion(): Promise<Ending> {
  try {
    await writeOut(`batchx ${version}\n`);
    return EXIT.ok;
  } catch (error) {
    return tell(error);
  }
}
