import type * as z from 'zod';
import { type Command, compileCommand } from '../../core/command/compile-command.js';
import type { Values } from '../../core/command/values.js';
import { CommandError, CommandResult, disposeSettled, tagOf } from '../../core/command-result.js';
import { BatchxError, systemCode } from '../../core/errors.js';
import type { Item } from '../../core/item.js';
import type { ItemOutput } from '../../core/item-output.js';
import { NotStarted } from '../../core/process/not-started.js';
import type { Argument, Captured, ProcessEnd, ProcessStarter, Wanted } from '../../core/process/process.js';
import { spawnProcesses } from '../../core/process/spawn-processes.js';
import type { Runtime } from '../../core/runtime.js';
import { toBytes } from '../../core/schema.js';
import { holdsSecret } from '../../core/secrets.js';
import type { Slot } from '../../core/slot.js';
import { type Creation, Creations } from './exec-creations.js';
import { PlaceNumbers } from './exec-numbers.js';
import type { execOptions, RunningCommand } from './exec-options.js';
import { namesOf } from './exec-names.js';
import { dataOf, expectSuccess, NOT_STARTED } from './exec-outcome.js';
import { inputOf, valuesOf } from './exec-values.js';

/** The commands of one step: each item's, with its values. */
export class Commands {
  readonly #options: z.output<typeof execOptions>;
  readonly #command: Command;
  readonly #cwd: Command | undefined;
  readonly #creations: Creations | undefined;
  readonly #processes: ProcessStarter;
  readonly #runtime: Runtime;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #keep: number;
  readonly #redact = (text: string): string => this.#runtime.redact(text);
  readonly #places = new PlaceNumbers();
  /** What the last attempt of an item left, to be let go of when there is another one. */
  readonly #last = new WeakMap<Item, CommandResult>();

  constructor(options: z.output<typeof execOptions>, runtime: Runtime) {
    this.#options = options;
    this.#runtime = runtime;
    const { command, shell, stdin, cwd, creates, env, keep } = options;
    this.#command = compileCommand(command, { shell, append: stdin === 'none' });
    this.#cwd = cwd === undefined ? undefined : compileCommand([cwd], { append: false, quoted: true });
    if (creates === undefined) expectNoOutput(this.#command);
    this.#creations = creates === undefined ? undefined : new Creations(creates, options, this.#command, runtime);
    this.#processes = spawnProcesses(runtime);
    this.#env = { ...runtime.env, ...env };
    this.#keep = toBytes(keep);
    disposeSettled(runtime.events);
  }

  /** Runs the command of an item, and gives the item that it becomes. */
  readonly run = (item: Item, slot: Slot): Promise<Item> => {
    const place = this.#places.take();
    const done = this.#perform(item, slot, place).finally(() => this.#places.give(place));
    // Whoever gives it up need not wait, but the run does, so that no process is left.
    this.#runtime.cleanup.add(done);
    return done;
  };

  /** Where the file that the command of an item is to make would be. */
  outputOf(item: Item): ItemOutput {
    const values = { ...valuesOf(item.data), seq: item.seq + 1, slot: 1, scope: namesOf(item, this.#runtime.context) };
    if (this.#creations === undefined) throw new BatchxError('usage', 'exec: expected `creates`, got none');
    return this.#creations.placeOf(values, this.#folderOf(values), item);
  }

  async #perform(item: Item, slot: Slot, place: number): Promise<Item> {
    const { dryRun } = this.#options;
    this.#last.get(item)?.dispose();
    const { json, ...given } = valuesOf(item.data);
    const own = { ...given, seq: item.seq + 1, slot: place, scope: namesOf(item, this.#runtime.context) };
    const cwd = this.#folderOf(own);
    const file = dryRun ? undefined : await this.#creations?.begin(item, own, cwd);
    if (file === 'there') return item.skip('already-done');
    try {
      const outputPath = dryRun ? this.#creations?.pathOf(own, item) : file?.temp;
      const values: Values = { ...own, outputPath };
      const rendered = this.#command.render(values);
      const argv = file?.inPlace(rendered) ?? rendered;
      const command = this.#command.print(values, argv);
      const resultOf = (end: ProcessEnd): CommandResult => {
        const about = json === true ? { ...given, where: item.where ?? item.id } : given;
        const result = new CommandResult(argv, command, about, end);
        this.#last.set(item, result);
        return result;
      };
      refuseSecrets([...argv, cwd ?? ''], this.#runtime);
      if (dryRun) return item.withData(dataOf(resultOf(told(command)), this.#options.stdout, item.data, this.#redact));
      this.#runtime.events.emit('batch:command', { item, command });
      const result = await this.#start(item, { argv, cwd, tag: tagOf(values.args), resultOf }, slot);
      return await this.#finish(item, result, file);
    } finally {
      await file?.discard();
    }
  }

  /** What a command that has ended makes of its item. */
  async #finish(item: Item, result: CommandResult, file: Creation | undefined): Promise<Item> {
    const { okExit, retryExit, stdout } = this.#options;
    try {
      expectSuccess(result, okExit, retryExit, this.#redact);
      const data = dataOf(result, stdout, item.data, this.#redact);
      await file?.commit(result);
      if (data !== result) result.dispose();
      return item.withData(data);
    } catch (error) {
      throw CommandError.of(error, result);
    }
  }

  #folderOf(values: Values): string | undefined {
    if (this.#cwd === undefined) return undefined;
    const [cwd = ''] = this.#cwd.render(values);
    if (typeof cwd === 'string') return cwd;
    throw new BatchxError('exec', 'expected `cwd` to be a name that is UTF-8', { class: 'permanent' });
  }

  async #start(item: Item, { argv, cwd, tag, resultOf }: Prepared, slot: Slot): Promise<CommandResult> {
    const { stdin } = this.#options;
    const startedAt = this.#runtime.wallNow();
    let givenUp: CommandResult | undefined;
    try {
      const end = await this.#processes.run(
        {
          argv: argv as [Argument, ...Argument[]],
          env: this.#env,
          stdin: stdin === 'data' ? inputOf(item.data) : 'none',
          stdout: this.#wanted('stdout', item, tag),
          stderr: this.#wanted('stderr', item, tag),
          onGivenUp: (unfinished) => (givenUp = resultOf(unfinished)),
          ...(cwd !== undefined && { cwd }),
        },
        slot.signal,
      );
      return resultOf(end);
    } catch (error) {
      if (givenUp !== undefined) throw whyGivenUp(error, givenUp);
      if (!(error instanceof NotStarted) || error.class === 'resource') throw error;
      const { exitCode, message, cause } = error;
      const end = { exitCode, signal: undefined, stdout: nothing, stderr: nothing, ms: 0, startedAt };
      throw new CommandError(message, resultOf(end), {
        class: 'permanent',
        cause,
        ...(isOfProgram(error) && { haltAfter: NOT_STARTED }),
      });
    } finally {
      await this.#endOutput({ tag, seq: item.seq });
    }
  }

  /** What a command has begun to say without a line end is its last line. */
  async #endOutput(command: RunningCommand): Promise<void> {
    await this.#options.onOutput?.('stdout', undefined, command);
    await this.#options.onOutput?.('stderr', undefined, command);
  }

  #wanted(stream: 'stdout' | 'stderr', { seq }: Item, tag: Argument): Wanted {
    const { spool, onOutput } = this.#options;
    const keep = { keep: this.#keep, spool };
    return onOutput === undefined ? keep : { ...keep, onBytes: (bytes) => onOutput(stream, bytes, { tag, seq }) };
  }
}

function expectNoOutput({ usesOutput }: Command): void {
  if (!usesOutput) return;
  throw new BatchxError(
    'usage',
    'exec: `{outputPath}` stands for the file that `creates` names: expected `creates` beside it, got none',
  );
}

/** A command that is about to be run, and what makes a result of how it ends. */
interface Prepared {
  readonly argv: readonly Argument[];
  readonly cwd: string | undefined;
  readonly tag: Argument;
  readonly resultOf: (end: ProcessEnd) => CommandResult;
}

/** One that took too long failed, with what it had written by then; what nobody wants any more is no failure of it. */
function whyGivenUp(error: unknown, result: CommandResult): unknown {
  const kind = BatchxError.from(error, 'exec').class;
  if (kind !== 'cancelled' && kind !== 'fatal') return CommandError.of(error, result);
  result.dispose();
  return error;
}

/** Whether every further item would fail too; arguments that cannot be passed are of one item. */
function isOfProgram({ exitCode, cause }: NotStarted): boolean {
  const code = systemCode(cause);
  return exitCode === 127 || (code !== undefined && code !== 'E2BIG');
}

const captured = (kept: Buffer): Captured => ({
  size: kept.length,
  kept,
  async *blocks() {
    if (kept.length > 0) yield await Promise.resolve(kept);
  },
  dispose: () => undefined,
});

const nothing = captured(Buffer.alloc(0));

/** The end of a command that is only told. */
const told = (command: string): ProcessEnd => ({
  exitCode: 0,
  signal: undefined,
  stdout: captured(Buffer.from(`${command}\n`)),
  stderr: nothing,
  ms: 0,
  startedAt: 0,
});

/** What a command line says every user of the machine can read. */
function refuseSecrets(argv: readonly Argument[], runtime: Runtime): void {
  const redact = (text: string): string => runtime.redact(text);
  if (!argv.some((argument) => holdsSecret(Buffer.from(argument).toString(), redact))) return;
  const message =
    'there is a secret in the command line, which every user of the machine could read: give it to the command under `env`, and let it read the variable';
  throw new BatchxError('exec', message, { class: 'permanent' });
}
