import { BatchxError } from '../../core/errors.js';
import type { Registry } from '../../core/registry.js';
import { strangeValues } from './config-names.js';
import { namesIn } from './check-entries.js';
import type { Fault, Path } from './document.js';
import { loadDocument } from './load-pipeline.js';
import {
  asKeys,
  besideFile,
  type PipelineFile,
  pipelineIn,
  type Recipe,
  type RecipeStep,
  textOf,
} from './pipeline-file.js';

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
        const given = asKeys(asKeys(step).with);
        for (const [name, message] of strangeValues(recipe, given))
          faults.push({ path: [...file.path, 'steps', index, 'with', name], key: true, message });
        faults.push(...changingValues(given, [...file.path, 'steps', index, 'with']));
        const config = { ...asKeys(recipe.keys.config), ...given };
        const inner = { file: recipe, config };
        const inside = recipe.keys.steps;
        for (const [i, each] of (Array.isArray(inside) ? (inside as unknown[]) : []).entries()) {
          const deeper = recipe.recipes?.get(i);
          const path = deeper?.path ?? [...recipe.path, 'steps', i];
          recipes.set(all.length, { recipe: deeper === undefined ? inner : within(deeper.recipe, inner), path });
          all.push(each);
        }
      } catch (error) {
        faults.push({ path: at, message: BatchxError.from(error).message });
      }
    }
    return { ...file, keys: { ...file.keys, steps: all }, recipes, faults };
  }

  async #load(path: string, from: PipelineFile): Promise<PipelineFile> {
    const above = [...this.#above, from.document.name];
    if (above.includes(path))
      throw new BatchxError('usage', `${path} leads back to itself: ${[...above, path].join(' -> ')}`);
    const recipe = pipelineIn(await loadDocument(path), this.#registry);
    const { keys, faults } = recipe;
    // A key that is misspelt is told where it stands.
    if (!Array.isArray(keys.steps) && faults.length === 0) throw new BatchxError('usage', `${path} has no steps`);
    return new Expansion(this.#registry, above).expand(recipe);
  }
}

/** The config of a recipe is made before there are items. */
const changingValues = (given: unknown, path: Path): Fault[] =>
  typeof given === 'string'
    ? (namesIn(given, {}) ?? []).flatMap((name): Fault[] => {
        if (['config', 'env', 'run'].includes(name.split('.')[0] as string)) return [];
        const message = `\`${name}\` is not known here, where all items have the same value: there are config, env and run, and the steps of a recipe see the data and outputs of its user by themselves`;
        return [{ path, message }];
      })
    : Object.entries(typeof given === 'object' && given !== null ? given : {}).flatMap(([key, value]) =>
        changingValues(value, [...path, Array.isArray(given) ? Number(key) : key]),
      );

/** A recipe as part of another one, however deep it is in it. */
const within = (recipe: Recipe, outer: Recipe): Recipe => ({
  ...recipe,
  within: recipe.within === undefined ? outer : within(recipe.within, outer),
});
