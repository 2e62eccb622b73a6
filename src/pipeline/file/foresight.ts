import type * as z from 'zod';
import type { Writes } from '../../core/define.js';
import { metaOf, type OptionMeta } from '../../core/option-meta.js';
import { namesIn } from './check-entries.js';
import { optionsIn } from './forms.js';
import { outputOf } from './known-names.js';
import { asKeys, entriesOf, type Entry, type PipelineFile, textOf } from './pipeline-file.js';

/** What is done with a step to know, before a run, where files are written. */
export interface Foreseen {
  readonly entry: Entry;
  /**
   * `run` does it, as it needs nothing but the item; `blank` puts something that nobody looks at in the place of what it
   * would give; `stop` says that which items go on, or what they are, is only known in a run.
   */
  readonly how: 'run' | 'blank' | 'stop';
  /** Where it writes a file for each item: known by now, or only when the item comes to it. */
  readonly writes: 'known' | 'later' | undefined;
  /** Whether all that its templates may name is known; otherwise what is not may still come. */
  readonly sure: boolean;
}

/** What can be known of the steps and outputs of a pipeline before it runs, from the items and its config alone. */
export function foresee(file: PipelineFile): { readonly steps: Foreseen[]; readonly outputs: Foreseen[] } {
  const sight = new Foresight();
  const steps = entriesOf(file, 'steps').map((entry) => sight.step(entry));
  const outputs = entriesOf(file, 'output').map((entry) => sight.output(entry));
  return { steps, outputs };
}

class Foresight {
  /** The names of what steps give that are not done. */
  readonly #unknown = new Set<string>();
  /** Whether the data are known. */
  #data = true;
  /** Whether it is known which items come so far. */
  #items = true;

  step(entry: Entry): Foreseen {
    const { definition } = entry.form;
    const writes = this.#writes(entry);
    const sure = this.#data;
    const how = this.#how(entry);
    const output = outputOf(entry);
    if (how === 'stop') this.#items = false;
    if (how === 'blank') {
      for (const name of output === undefined ? [] : [output, 'result']) this.#unknown.add(name);
      if (output === undefined && definition.kind === 'step' && definition.gives !== 'verdict' && writes === undefined)
        this.#data = false;
    }
    // Parts have no result yet; what else stood beside the whole stands beside them.
    if (how === 'run' && definition.name === 'split') this.#unknown.delete('result');
    if (how === 'run' && definition.kind === 'step' && definition.gives === 'data') {
      if (output !== undefined) this.#unknown.delete(output);
      this.#unknown.delete('result');
    }
    return { entry, how, writes, sure };
  }

  output(entry: Entry): Foreseen {
    const sure = this.#data && !this.#unknown.has('result');
    return { entry, how: 'run', writes: this.#writes(entry, sure ? [] : ['data']), sure };
  }

  #how(entry: Entry): Foreseen['how'] {
    const { definition, common } = entry.form;
    if (!this.#items) return 'stop';
    const whether = common.has('when') && this.#dependsOn(entry.value.when, { expression: [] });
    if (definition.kind === 'flow') {
      return this.#gathersUnknown(entry) || this.#entryDepends(entry) ? 'stop' : 'run';
    }
    if (definition.kind !== 'step') return 'run';
    if (definition.reachesOut === true || definition.output !== undefined || definition.tell !== undefined)
      return 'blank';
    const unsure = whether || this.#entryDepends(entry);
    if (!unsure) return 'run';
    return definition.gives === 'data' ? 'blank' : 'stop';
  }

  /** Whether an operator on the stream goes by the whole of an item: a batch has the results, what is seen twice the data. */
  #gathersUnknown({ form: { definition }, value }: Entry): boolean {
    switch (definition.name) {
      case 'split':
        return false;
      case 'dedupe':
        return !this.#data && asKeys(value[definition.name]).by === undefined;
      default:
        return this.#unknown.has('result');
    }
  }

  #writes(entry: Entry, unknown: readonly string[] = []): Foreseen['writes'] {
    const { definition } = entry.form;
    const writes = definition.kind === 'step' || definition.kind === 'sink' ? (definition.writes as Writes) : undefined;
    if (writes === undefined) return undefined;
    const given = optionsIn(entry.form, entry.value);
    const options = writes.options.filter((option) => given[option] !== undefined);
    if (options.length === 0) return undefined;
    const shape = definition.options.shape as Record<string, z.ZodType>;
    const later =
      !this.#items ||
      (entry.form.common.has('when') && this.#dependsOn(entry.value.when, { expression: [] })) ||
      options.some((option) => this.#dependsOn(given[option], metaOf(shape[option] as z.ZodType), unknown));
    return later ? 'later' : 'known';
  }

  #entryDepends({ form, value }: Entry): boolean {
    const shape = form.definition.options.shape as Record<string, z.ZodType>;
    const options = Object.entries(optionsIn(form, value));
    return options.some(([key, option]) => shape[key] !== undefined && this.#dependsOn(option, metaOf(shape[key])));
  }

  /** Whether what an option says depends on something that is not known. */
  #dependsOn(value: unknown, meta: OptionMeta, unknown: readonly string[] = []): boolean {
    if (value === undefined) return false;
    const names = [...this.#unknown, ...unknown];
    if (typeof value === 'function') return names.length > 0 || !this.#data;
    const text = textOf(value);
    if (text === undefined)
      return typeof value === 'object' && Object.values(asKeys(value)).some((each) => this.#dependsOn(each, meta));
    if (meta.expression !== undefined && !text.includes('{{'))
      // Of a program it is only known which words are in it.
      return !this.#data || [...names, ...(names.length > 0 ? ['item'] : [])].some((name) => speaksOf(text, name));
    if (meta.expression === undefined && meta.template === undefined) return false;
    const named = namesIn(text, meta);
    if (named === undefined) return true;
    const firsts = named.map((name) => name.split('.')[0] as string);
    if (firsts.some((name) => names.includes(name) || (names.length > 0 && name === 'metadata'))) return true;
    // A command has its values in places without a name, too.
    const ofItem = firsts.some((name) => !CONSTANT.includes(name)) || meta.template === 'command';
    return !this.#data && ofItem;
  }
}

/** What is known of every item whatever its data are. */
const CONSTANT = ['id', 'index', 'config', 'env', 'run'];

const speaksOf = (text: string, name: string): boolean =>
  new RegExp(`(?<![\\p{ID_Continue}$])${name.replaceAll('$', '\\$')}(?![\\p{ID_Continue}$])`, 'u').test(text);
