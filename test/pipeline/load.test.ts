import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createRegistry } from '../../src/core/registry.js';
import { defineStep } from '../../src/core/define.js';
import { createRuntime } from '../../src/core/runtime.js';
import type { Plan } from '../../src/pipeline/plan.js';
import { run } from '../../src/pipeline/run.js';
import { literalsSource } from '../../src/sources/literals.js';

describe('what a step needs that is loaded late', () => {
  const log: string[] = [];
  const late = defineStep({
    name: 'late',
    status: 'stable',
    summary: 'Needs something.',
    gives: 'data',
    options: z.strictObject({}),
    examples: [],
    load: async () => {
      log.push('asked for');
      await new Promise((resolve) => setImmediate(resolve));
      log.push('there');
    },
    create: () => (item) => log.push(`called for ${String(item.data)}`),
    tell: () => () => 'told',
  });
  const plan = (tell?: () => void): Plan => ({
    name: 'late',
    sources: [{ name: 'literals', options: { values: [1, 2] } }],
    steps: [{ name: 'late', options: {}, ...(tell && { tell }) }],
    halt: [],
    sinks: [],
  });
  const options = { registry: createRegistry([literalsSource, late]), runtime: createRuntime() };

  it('is there before anything is called', async () => {
    await run(plan(), options);
    expect(log.splice(0)).toEqual(['asked for', 'there', 'called for 1', 'called for 2']);
  });

  it('is not loaded by a dry run', async () => {
    await run(
      plan(() => undefined),
      options,
    );
    expect(log).toEqual([]);
  });
});
