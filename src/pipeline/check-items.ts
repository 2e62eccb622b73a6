import { resolve } from 'node:path';
import { lastValueFrom, tap } from 'rxjs';
import type * as z from 'zod';
import { BatchxError } from '../core/errors.js';
import { Events } from '../core/events.js';
import { FileEntry } from '../core/file-entry.js';
import { fileAmong, watchInputs } from '../core/in-use.js';
import type { Item } from '../core/item.js';
import { OutputLook } from '../core/item-output.js';
import { metaOf } from '../core/option-meta.js';
import type { Registry } from '../core/registry.js';
import type { Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { peekJob } from '../journal/peek-job.js';
import { compile } from './compile.js';
import { contextOf } from './file/context.js';
import type { Path } from './file/document.js';
import type { PlacedFault } from './file/faults.js';
import type { Foreseen } from './file/foresight.js';
import { entriesOf, type PipelineFile } from './file/pipeline-file.js';
import { planOfFile } from './file/plan-of-file.js';
import { called, FIRST, FirstOnes, isNamed, ItemFaults } from './items-told.js';
import type { Failing } from './look-steps.js';
import { folderOf } from './job-of-plan.js';
import { type Look, lookingPlan, optionPath } from './looking-plan.js';
import { type OwnJob, ownJobOf, ownOfPlan } from './own-of-plan.js';
import type { Plan, StepUse } from './plan.js';

/** What is known of the items of a pipeline before it runs. */
export interface ItemsChecked {
  readonly faults: readonly PlacedFault[];
  /** How many items the input has. */
  readonly items: number;
  /** How many of them pass by all steps, such as by `filter`. */
  readonly skipped: number;
  /** How many files they would be written to, as far as that is known. */
  readonly files: number;
  /** The steps and outputs whose paths are only known when an item comes to them, as `steps.2.write`. */
  readonly later: readonly string[];
}

export interface CheckItemsOptions {
  readonly registry: Registry;
  readonly runtime: Runtime;
}

/**
 * Reads the whole input of a pipeline, and tells what would be wrong with its items in a run: rows that cannot be read,
 * ids that two items have, files that two items would be written to or that could not be written, templates that fail.
 *
 * Nothing is written, called or run; `map`, `filter`, `validate` and the like, which need nothing but the item, are done.
 * Of each item and each file 20 to 32 bytes are held, and nothing else that grows with the input.
 */
export async function checkItems(file: PipelineFile, options: CheckItemsOptions): Promise<ItemsChecked> {
  const check = new ItemsCheck(file, options);
  await check.read((item) => check.begin(item));
  const { sought } = check.faults;
  const names = new Map<string, string>();
  const find: OnName = (name, item) => {
    if (sought.has(name) && !names.has(name)) names.set(name, called(item));
  };
  // The items that came first are known by number only: those that are told are looked up by reading once more.
  if (sought.size > 0 && check.repeatable)
    await new ItemsCheck(file, options, find).read((item) => find(idName(item), item));
  return check.result((name) => names.get(name));
}

/** Told of each name that an item has to itself: its id, and its files. */
type OnName = (name: string, item: Item) => void;

const idName = ({ id }: Item): string => `id ${id}`;

/** The error of an item whose fault has been told. */
const TOLD = new BatchxError('path', 'it has been told why');

class ItemsCheck {
  readonly faults: ItemFaults;
  /** Whether the input can be read again. */
  readonly repeatable: boolean;
  readonly #file: PipelineFile;
  readonly #registry: Registry;
  readonly #runtime: Runtime;
  readonly #onName: OnName | undefined;
  readonly #seen = new FirstOnes();
  readonly #look = new OutputLook();
  readonly #failing: Failing = new WeakMap();
  /** The files that outputs write for all items, by what they are called. */
  readonly #outputs = new Map<string, string>();
  #later: readonly string[] = [];
  #items = 0;
  #skipped = 0;
  #files = 0;
  #error: BatchxError | undefined;

  /** With `onName` nothing is told, but who has which name. */
  constructor(file: PipelineFile, { registry, runtime }: CheckItemsOptions, onName?: OnName) {
    this.#file = file;
    this.#registry = registry;
    // Its own events: nothing else of the process is to take this for a run.
    this.#runtime = { ...runtime, events: new Events() };
    this.#onName = onName;
    this.faults = new ItemFaults(file.document);
    this.repeatable = !Object.values(this.#input).flat().includes('-');
  }

  /** Reads all items, up to where that fails; `begin` is told of each. */
  async read(begin: (item: Item) => void): Promise<void> {
    const context = contextOf(this.#file, this.#runtime);
    const runtime = { ...this.#runtime, context };
    const { plan: whole } = planOfFile(this.#file, context, runtime);
    this.#takePaths(whole);
    const lookAt = (foreseen: Foreseen, use: StepUse): Look => this.#lookAt(foreseen, use, runtime);
    const own = ownOfPlan(whole, this.#registry, this.#job(whole));
    const { plan, registry, later } = lookingPlan(this.#file, whole, this.#registry, lookAt, this.#failing);
    this.#later = later;
    runtime.events.on('batch:item:start', begin);
    try {
      const items = compile(plan, registry, { ...runtime, own }, { onLimit: nothing, onRead: nothing });
      await lastValueFrom(items.pipe(tap((item) => this.#end(item))), { defaultValue: undefined });
    } catch (error) {
      this.#error = BatchxError.from(error, 'bug');
      if (this.#error.code === 'bug') throw this.#error;
    }
  }

  /** What its job has written, where it looks for files. */
  #job({ sources }: Plan): OwnJob | undefined {
    if (sources.every(({ name }) => this.#registry.get('source', name).names === undefined)) return undefined;
    const peeked = peekJob(folderOf(this.#file));
    peeked?.close();
    return peeked && ownJobOf(peeked);
  }

  /** An item comes from its source. */
  begin(item: Item): void {
    this.#items++;
    const { error } = item;
    if (error !== undefined) {
      this.#failing.set(error, this.#path('input'));
      this.faults.add('input', item, this.#path('input'), () => error.message);
      return;
    }
    this.#refuseInput(item);
    const name = idName(item);
    if (this.#seen.isFirst(name, item)) return;
    this.faults.add('id', item, this.#path('input'), () => `its id "${item.id}" is that of ${FIRST}, too`, name);
  }

  /** An output that is written for all items must not be one of them. */
  #refuseInput(item: Item): void {
    const { data } = item;
    if (this.#outputs.size === 0 || !(data instanceof FileEntry)) return;
    const output = this.#outputs.get(this.#look.real(resolve(data.path)));
    if (output === undefined) return;
    this.faults.add('refused', item, this.#path('output'), () => `${output} would be written in its place`);
  }

  result(nameOf: (first: string) => string | undefined): ItemsChecked {
    const path = this.#path('input');
    const { document } = this.#file;
    const whole = (message: string): PlacedFault => ({
      file: document.name,
      ...document.position(path),
      path: path.join('.'),
      message,
    });
    const faults = this.faults.told((name) => nameOf(name) ?? `item number ${this.#seen.numberOf(name)}`);
    if (this.#error !== undefined) faults.unshift(whole(this.#error.message));
    else if (this.#items === 0 && this.#input.limit !== 0) faults.push(whole('there are no items in it'));
    return { faults, items: this.#items, skipped: this.#skipped, files: this.#files, later: this.#later };
  }

  #takePaths({ sinks }: Plan): void {
    for (const [index, { form }] of entriesOf(this.#file, 'output').entries()) {
      const { definition, verb } = form;
      if (definition.kind === 'sink' && definition.writes !== undefined) continue;
      const shape: Readonly<Record<string, z.ZodType>> = definition.options.shape;
      for (const [key, option] of Object.entries(shape)) {
        const path = sinks[index]?.options[key];
        if (metaOf(option).place === 'output' && typeof path === 'string' && path !== '-')
          this.#outputs.set(this.#look.real(resolve(path)), `the output \`${verb}\``);
      }
    }
  }

  /** What finds out where the file of each item would be. */
  #lookAt(foreseen: Foreseen, use: StepUse, runtime: Runtime): Look {
    const { definition } = foreseen.entry.form;
    const writes = definition.kind === 'step' || definition.kind === 'sink' ? definition.writes : undefined;
    const own = { ...runtime, context: use.context ?? runtime.context };
    const placeOf = writes?.at(parseOptions(definition.options, use.options, definition.name), own);
    const path = optionPath(foreseen);
    const { seen } = watchInputs(runtime);
    return (item) => {
      let at: ReturnType<OutputLook['at']> | undefined;
      try {
        at = placeOf && this.#look.at(placeOf(item));
      } catch (error) {
        const { code, message } = BatchxError.from(error);
        // A name that is not known may be one of what a step will give.
        if (code !== 'path' && !foreseen.sure) return item;
        return this.#refuse(item, path, message, code === 'path' ? 'refused' : 'fails');
      }
      if (at === undefined) return item;
      const { shown, final, exists } = at;
      const output = this.#outputs.get(final);
      if (output !== undefined) return this.#refuse(item, path, `cannot write ${shown}: ${output} is written there`);
      if (!exists) return this.#take(final, shown, item, path);
      const files = [item.data, item.first?.data].filter((data) => data instanceof FileEntry);
      return fileAmong([files.map((entry) => entry.path), ...seen], final).then((input) => {
        if (input === undefined) return this.#take(final, shown, item, path);
        const what = `${input === shown ? '' : `it is ${input}, and `}this run reads it`;
        return this.#refuse(item, path, `cannot write ${shown}: ${what}`);
      });
    };
  }

  #take(final: string, shown: string, item: Item, path: Path): Item {
    const name = `file ${final}`;
    this.#onName?.(name, item);
    if (this.#onName !== undefined || this.#seen.isFirst(name, item)) {
      this.#files++;
      return item;
    }
    const what = `would write ${shown}, as ${FIRST} would; let \`${String(path.at(-1))}\` tell them apart, as \`{{ index }}\` does`;
    this.faults.add('taken', item, path, () => (isNamed(item) ? `"${item.id}" ${what}` : what), name);
    return item.fail(TOLD);
  }

  #refuse(item: Item, path: Path, message: string, kind: 'refused' | 'fails' = 'refused'): Item {
    this.faults.add(kind, item, path, () => message);
    return item.fail(TOLD);
  }

  /** An item has gone through all that can be done with it. */
  #end(item: Item): void {
    const { error, skipped, weight } = item;
    if (skipped !== undefined) this.#skipped += weight;
    if (error === undefined || error === TOLD) return;
    const path = this.#failing.get(error) ?? this.#path('steps');
    if (path.at(-1) !== 'input') this.faults.add('fails', item, path, () => error.message);
  }

  readonly #path = (key: string): Path => [...this.#file.path, key];

  get #input(): Readonly<Record<string, unknown>> {
    return entriesOf(this.#file, 'input')[0]?.value ?? {};
  }
}

const nothing = (): void => undefined;
