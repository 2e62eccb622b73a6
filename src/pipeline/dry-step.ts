import type { StepDefinition } from '../core/define.js';
import type { Item } from '../core/item.js';
import type { Runtime } from '../core/runtime.js';
import { type Applied, applied } from '../core/step.js';

/** What a step would do for an item. */
export interface Told {
  readonly item: Item;
  /** What the step is called. */
  readonly step: string;
  /** The command, request or path. */
  readonly line: string;
}

/**
 * A step that only tells what it would do. Of what it would give nothing is known: later steps find `<name>` in its
 * place. Undefined for a step that touches nothing outside, which is run.
 */
export function dryStep(
  definition: StepDefinition,
  options: Record<string, unknown>,
  runtime: Runtime,
  {
    step,
    output,
    tell,
  }: { readonly step: string; readonly output: string | undefined; readonly tell: (told: Told) => void },
): Applied | undefined {
  const { name, reachesOut = false } = definition;
  // What does not tell what it would do is not tried either.
  const telling = definition.tell?.(options, runtime) ?? (reachesOut ? () => name : undefined);
  if (telling === undefined) return undefined;
  return applied(async (item, slot) => {
    tell({ item, step, line: runtime.redact(await telling(item, slot)).trimEnd() });
    if (output === undefined) return item;
    const unknown = `<${output}>`;
    return item.withExtra({ outputs: { ...item.outputs, [output]: unknown, result: unknown } });
  }, 'item');
}
