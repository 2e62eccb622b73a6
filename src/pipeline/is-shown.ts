import { statSync } from 'node:fs';
import type { Registry } from '../core/registry.js';
import { parseOptions } from '../core/schema.js';
import type { Use } from './plan.js';

/** Whether what a sink writes is seen at once, or made anew by each run: it is given what was done earlier as well. */
export function isShown(use: Use, registry: Registry): boolean {
  const definition = registry.get('sink', use.name);
  const options = parseOptions(definition.options, use.options, definition.name);
  return definition.shown?.(options) ?? (options.path === '-' || isDevice(options.path));
}

/** Whether what is written there is gone: a device, such as `/dev/null`, or a pipe. Nothing may take its place. */
const isDevice = (path: unknown): boolean =>
  typeof path === 'string' && statSync(path, { throwIfNoEntry: false })?.isFile() === false;

/** The output that a sink adds lines to; undefined when it does not, or its output is shown. */
export function linesOf(use: Use, registry: Registry): string | undefined {
  const { path } = use.options;
  const { log, writes } = registry.get('sink', use.name);
  return typeof path !== 'string' || log === true || writes !== undefined || isShown(use, registry) ? undefined : path;
}
