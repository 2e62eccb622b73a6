import { BatchxError } from '../../core/errors.js';
import type { Registry } from '../../core/registry.js';
import type { Fault } from './document.js';
import { loadDocument } from './load-pipeline.js';
import {
  asKeys,
  besideFile,
  type Keys,
  type PipelineFile,
  pipelineIn,
  type RecipeStep,
  textOf,
} from './pipeline-file.js';

/** The keys of a recipe that hold for its steps, and that its user has not said. */
const TAKEN = ['rates', 'breakers'] as const;

/**
 * Puts the steps of recipes in the place of the steps that name them. What is wrong with a recipe, or cannot be read, is
 * a fault of the pipeline; so is one that leads back to itself.
 */
export async function withRecipes(file: PipelineFile, registry: Registry): Promise<PipelineFile> {
  return new Expansion(registry, []).expand(file);
}

class Expansion {
  readonly #registry: Registry;
  /** The files that lead here. */
  readonly #above: readonly string[];

  constructor(registry: Registry, above: readonly string[]) {
    this.#registry = registry;
    this.#above = above;
  }

  async expand(file: PipelineFile): Promise<PipelineFile> {
    const { steps } = file.keys;
    if (!Array.isArray(steps) || !steps.some((step) => 'pipeline' in asKeys(step))) return file;
    const all: unknown[] = [];
    const recipes = new Map<number, RecipeStep>();
    const faults: Fault[] = [...file.faults];
    let keys: Keys = file.keys;
    for (const [index, step] of (steps as unknown[]).entries()) {
      const path = textOf(asKeys(step).pipeline);
      if (path === undefined) {
        all.push(step);
        continue;
      }
      const at = [...file.path, 'steps', index, 'pipeline'];
      try {
        const recipe = await this.#load(besideFile(file, path), file);
        faults.push(...recipe.faults.map((fault) => ({ document: recipe.document, ...fault })));
        const config = { ...asKeys(recipe.keys.config), ...asKeys(asKeys(step).with) };
        const inner = { file: recipe, config };
        for (const [i, each] of ((recipe.keys.steps ?? []) as unknown[]).entries()) {
          recipes.set(all.length, recipe.recipes?.get(i) ?? { recipe: inner, path: [...recipe.path, 'steps', i] });
          all.push(each);
        }
        for (const key of TAKEN) keys = { ...keys, [key]: { ...asKeys(recipe.keys[key]), ...asKeys(keys[key]) } };
      } catch (error) {
        faults.push({ path: at, message: BatchxError.from(error).message });
      }
    }
    return { ...file, keys: { ...keys, steps: all }, recipes, faults };
  }

  async #load(path: string, from: PipelineFile): Promise<PipelineFile> {
    const above = [...this.#above, from.document.name];
    if (above.includes(path))
      throw new BatchxError('usage', `${path} leads back to itself: ${[...above, path].join(' -> ')}`);
    const recipe = pipelineIn(await loadDocument(path), this.#registry);
    if (!Array.isArray(recipe.keys.steps)) throw new BatchxError('usage', `${path} has no steps`);
    return new Expansion(this.#registry, above).expand(recipe);
  }
}
