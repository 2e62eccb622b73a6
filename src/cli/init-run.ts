import { writeAtomically } from '../core/atomic-file.js';
import { BatchxError } from '../core/errors.js';
import { createRuntime } from '../core/runtime.js';
import { didYouMean } from '../core/suggest.js';
import { type Ending, EXIT } from './exit.js';
import { starters } from './starters.js';
import { say } from './terminal.js';
import { expectFolder } from './working-folder.js';
import { writeOut } from './write-out.js';

export interface InitLine {
  readonly flags: { readonly output: string; readonly force: boolean };
  readonly positionals: readonly string[];
  readonly literals: readonly string[] | undefined;
}

/** Writes the pipeline of a task, or without one lists the tasks. */
export async function writeStarter({ flags, positionals, literals }: InitLine): Promise<Ending> {
  const [task, ...more] = [...positionals, ...(literals ?? [])];
  if (more.length > 0) throw new BatchxError('usage', `expected one task, got also ${more.join(' ')}`);
  if (task === undefined) {
    const width = Math.max(...starters.map((each) => each.task.length));
    await writeOut(starters.map((each) => `${each.task.padEnd(width)}  ${each.does}\n`).join(''));
    say('`batchx init TASK` writes the file of one');
    return EXIT.ok;
  }
  const found = starters.find((each) => each.task === task);
  if (found === undefined) {
    const names = starters.map((each) => each.task);
    const hint = didYouMean(task, names) || `; there are ${names.join(', ')}`;
    throw new BatchxError('usage', `there is no task "${task}"${hint}`);
  }
  const { output, force } = flags;
  if (output === '-') {
    await writeOut(found.pipeline);
    return EXIT.ok;
  }
  expectFolder();
  await write(output, found.pipeline, force);
  say(
    `${output} is written; look at it, then:`,
    `  batchx check ${output}           what is wrong with it`,
    `  batchx run ${output} --dry-run   what it would do`,
    `  batchx run ${output}`,
  );
  return EXIT.ok;
}

async function write(path: string, content: string, force: boolean): Promise<void> {
  const options = { onExists: force ? 'overwrite' : 'skip' } as const;
  const written = await writeAtomically(path, Buffer.from(content), options, createRuntime()).catch(
    (error: unknown) => {
      throw new BatchxError('output', BatchxError.from(error).message, { cause: error });
    },
  );
  if (written) return;
  throw new BatchxError('usage', `${path} is there already: --force replaces it, --output FILE writes another one`);
}
