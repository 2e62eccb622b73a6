import { afterAll, beforeAll, vi } from 'vitest';
import type { cli as Cli } from '../../src/cli/main.js';
import type { hideWith as HideWith } from '../../src/cli/terminal.js';
import { type Done, folder } from './program.js';

for (const name of ['NO_COLOR', 'FORCE_COLOR', 'CI', 'BATCHX_DEBUG']) Reflect.deleteProperty(process.env, name);

const said = { stdout: '', stderr: '' };
vi.doMock('../../src/cli/write-out.js', () => ({
  writeOut: (text: string) => {
    said.stdout += text;
    return Promise.resolve();
  },
}));

/** What a session listens to: a run has one, and it stays until the program ends. */
const listening = (): number => process.listenerCount('SIGTERM') + process.listenerCount('uncaughtException');

const home = process.cwd();
let cli: typeof Cli;
let hideWith: typeof HideWith;
beforeAll(async () => {
  // What the program asks when it begins.
  process.chdir(folder);
  ({ cli } = await import('../../src/cli/main.js'));
  ({ hideWith } = await import('../../src/cli/terminal.js'));
  await Promise.all([import('../../src/cli/dispatch.js'), import('../../src/cli/pipelines.js')]);
  process.chdir(home);
});
afterAll(() => process.chdir(home));

/**
 * Does what `batchx` of ./program.js does, within this process, for a tenth of what a start of the program costs: for
 * lines that run no items, as they are refused, or only check or tell. One that begins a run is an error here. In each
 * file that uses it the program itself takes some such lines, too.
 */
export async function batchxHere(args: readonly string[]): Promise<Done> {
  process.chdir(folder);
  const before = listening();
  Object.assign(said, { stdout: '', stderr: '' });
  hideWith((text) => text);
  const { write } = process.stderr;
  process.stderr.write = (text: string | Uint8Array) => {
    said.stderr += Buffer.from(text as string).toString();
    return true;
  };
  try {
    const ended = await cli(args);
    if (listening() > before) throw new Error(`batchx ${args.join(' ')}: begins a run, which is for the program`);
    return { ...said, ended };
  } finally {
    process.stderr.write = write;
    process.stderr.removeAllListeners('error');
    process.chdir(home);
  }
}
