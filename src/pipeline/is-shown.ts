import type { Registry } from '../core/registry.js';
import { parseOptions } from '../core/schema.js';
import type { Use } from './plan.js';

/** Whether what a sink writes is seen at once, or made anew by each run: it is given what was done earlier as well. */
export function isShown(use: Use, registry: Registry): boolean {
  const definition = registry.get('sink', use.name);
  const options = parseOptions(definition.options, use.options, definition.name);
  return definition.shown?.(options) ?? options.path === '-';
}
