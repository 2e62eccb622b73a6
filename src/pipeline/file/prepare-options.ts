import { isAbsolute, join } from 'node:path';
import type * as z from 'zod';
import { compileExpression } from '../../core/expression.js';
import type { Item } from '../../core/item.js';
import { metaOf } from '../../core/option-meta.js';
import { compileTemplate } from '../../core/template.js';
import { type Scope, scopeOf } from '../../core/template-scope.js';
import type { PipelineContext } from './pipeline-context.js';
import { asKeys } from './pipeline-file.js';

/** What options of a component are made ready with. */
export interface Preparation {
  readonly context: PipelineContext;
  /** The names of what earlier steps have put beside the data. */
  readonly outputs: readonly string[];
  /** The folder that relative outputs lie in. */
  readonly outputRoot: string | undefined;
  /** The folder that paths of parts of the pipeline are seen from. */
  readonly folder: string;
}

/**
 * Makes the options of a component ready to be parsed: expressions become functions that see the context and the
 * outputs, `{{ config.x }}` in what is no template of an item becomes its value, relative outputs get their folder.
 */
export function prepareOptions(
  schema: z.ZodObject,
  options: Readonly<Record<string, unknown>>,
  to: Preparation,
): Record<string, unknown> {
  const shape = schema.shape as Record<string, z.ZodType>;
  const prepared: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(shape)) {
    const { expression, template, place } = metaOf(option);
    const given = options[key];
    if (given === undefined) {
      const usual = place === 'output' && to.outputRoot !== undefined ? defaultOf(option) : undefined;
      if (usual !== undefined) prepared[key] = placedIn(to.outputRoot, usual);
      continue;
    }
    if (expression !== undefined && typeof given === 'string') prepared[key] = bound(given, expression, to);
    else {
      const filled = template === undefined ? filledIn(given, to.context) : given;
      const root = place === 'output' ? to.outputRoot : place === 'pipeline' ? to.folder : undefined;
      prepared[key] = typeof filled === 'string' ? placedIn(root, filled) : filled;
    }
  }
  // What the schema does not know it tells itself.
  for (const [key, value] of Object.entries(options)) if (!(key in shape)) prepared[key] = value;
  return prepared;
}

/** Compiles an expression to a function of what its option is given, which also finds the outputs and the context. */
export function bound(
  text: string,
  names: readonly string[],
  { context, outputs }: Pick<Preparation, 'context' | 'outputs'>,
): (...given: unknown[]) => unknown {
  if (isTemplate(text, names)) {
    const template = compileTemplate(text);
    const at = names.indexOf('item');
    return (...given) => template.render(scopeOf(given[at] as Item, context));
  }
  const run = compileExpression(text, [...names, ...outputs], context);
  if (outputs.length === 0) return run;
  const at = names.indexOf('item');
  return (...given) => {
    const beside = (given[at] as Item).outputs;
    return run(...given.slice(0, names.length), ...outputs.map((name) => beside[name]));
  };
}

/** Texts with the values of the context in their places; a text that is one place and nothing else becomes the value. */
export function filledIn(value: unknown, context: PipelineContext): unknown {
  if (typeof value === 'string') {
    if (!value.includes('{{') && !value.includes('{%')) return value;
    const template = compileTemplate(value);
    const scope = constantScope(context);
    return template.only === undefined ? template.render(scope) : scope(template.only);
  }
  if (Array.isArray(value)) return value.map((each) => filledIn(each, context));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(asKeys(value)).map(([key, each]) => [key, filledIn(each, context)]));
}

function constantScope(context: PipelineContext): Scope {
  const find = (path: string): unknown =>
    path
      .split('.')
      .reduce<unknown>((value, key) => (Object.hasOwn(asKeys(value), key) ? asKeys(value)[key] : undefined), context);
  return Object.assign(find, { names: () => Object.keys(context) });
}

/** Whether a text that may be an expression is a template instead: no expression can say `{{ x }}` outside of a text. */
export const isTemplate = (text: string, names: readonly string[]): boolean =>
  text.includes('{{') && !works(() => compileExpression(text, names)) && works(() => compileTemplate(text));

function works(compile: () => unknown): boolean {
  try {
    compile();
    return true;
  } catch {
    return false;
  }
}

/** A relative output, in the folder that it lies in. */
export const placedIn = (root: string | undefined, path: string): string =>
  root === undefined || path === '-' || isAbsolute(path) ? path : join(root, path);

function defaultOf(option: z.ZodType): string | undefined {
  const parsed = option.safeParse(undefined);
  return parsed.success && typeof parsed.data === 'string' ? parsed.data : undefined;
}
