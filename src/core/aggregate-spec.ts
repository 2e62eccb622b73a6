import * as z from 'zod';
import type { AggregateSpec, Shape } from './aggregator.js';
import { BatchxError } from './errors.js';
import type { Registry } from './registry.js';
import { parseOptions } from './schema.js';

/** The option that holds aggregates by name, each as one aggregator with its options. */
export const aggregateSpec = () => z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));

/**
 * The aggregators that a spec names. Unknown ones, and options that do not fit, throw.
 *
 * @example
 * import { builtin } from '../builtin.js';
 * import { shapeOf } from './aggregate-spec.js';
 *
 * shapeOf({ n: { count: {} }, total: { stats: { expression: 'data.total' } } }, builtin);
 */
export function shapeOf(spec: AggregateSpec, registry: Registry): Shape {
  const shape = Object.entries(spec).map(([name, use]) => {
    const [[key, options] = [], ...more] = Object.entries(use);
    if (key === undefined || more.length > 0) {
      const got = more.length > 0 ? Object.keys(use).join(', ') : 'none';
      throw new BatchxError('usage', `expected one aggregator for \`${name}\`, got ${got}`);
    }
    const definition = registry.get('aggregator', key);
    return [
      name,
      definition.create(parseOptions(definition.options, options, key), (nested) => shapeOf(nested, registry)),
    ];
  });
  return Object.fromEntries(shape) as Shape;
}
