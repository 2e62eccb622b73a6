import { access, constants, stat } from 'node:fs/promises';
import { unreadable } from '../core/bytes-in.js';
import { BatchxError } from '../core/errors.js';
import type { Registry } from '../core/registry.js';
import { parseOptions } from '../core/schema.js';
import type { Plan } from './plan.js';

/** Why an input of a plan cannot be opened, as far as that is known without opening it: outputs are emptied later. */
export async function missingInput(plan: Plan, registry: Registry): Promise<BatchxError | undefined> {
  if (plan.limit === 0) return undefined;
  try {
    for (const { name, options } of plan.sources) {
      const definition = registry.get('source', name);
      const parsed = parseOptions(definition.options, options, name);
      for (const path of definition.files?.(parsed) ?? []) if (path !== '-') await expectReadable(path);
      await definition.ready?.(parsed);
    }
    return undefined;
  } catch (error) {
    return BatchxError.from(error, 'input');
  }
}

async function expectReadable(path: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    await access(path, constants.R_OK);
  } catch (error) {
    throw unreadable(path, error);
  }
}
