import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { builtin } from '../../src/builtin.js';
import { defineStep } from '../../src/core/define.js';
import { describeComponent } from '../../src/report/components.js';

const call = defineStep({
  name: 'call',
  status: 'experimental',
  summary: 'Calls.',
  gives: 'data',
  options: z.strictObject({
    url: z.string().describe('Where.'),
    method: z.enum(['GET', 'POST']).default('GET').describe('How.'),
    retries: z.int().min(0).optional().describe('How often again.'),
    headers: z
      .union([z.record(z.string(), z.string()), z.array(z.string())])
      .optional()
      .describe('With what.'),
  }),
  examples: [{ title: 'Once', options: { url: 'http://localhost' } }],
  create: () => () => undefined,
});

describe('describeComponent', () => {
  it('tells what the definition does', () => {
    expect(describeComponent(call)).toMatchObject({
      kind: 'step',
      name: 'call',
      status: 'experimental',
      summary: 'Calls.',
      options: [
        { name: 'url', type: 'string', required: true, default: undefined, description: 'Where.' },
        { name: 'method', type: '"GET" | "POST"', required: false, default: 'GET', description: 'How.' },
        { name: 'retries', type: 'integer', required: false, default: undefined, description: 'How often again.' },
        { name: 'headers', type: 'object | string[]', required: false, default: undefined, description: 'With what.' },
      ],
      examples: [{ title: 'Once', options: { url: 'http://localhost' } }],
      schema: { type: 'object', required: ['url'], additionalProperties: false },
    });
  });

  it.each(builtin.all.map((definition) => [`${definition.kind} ${definition.name}`, definition] as const))(
    'has a type and a text for each option of the %s',
    (_, definition) => {
      for (const { name, type, description } of describeComponent(definition).options) {
        expect([name, type]).toEqual([name, expect.stringMatching(/./)]);
        expect([name, description]).toEqual([name, expect.stringMatching(/\.$/)]);
      }
    },
  );
});
