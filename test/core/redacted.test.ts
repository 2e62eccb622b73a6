import { describe, expect, it } from 'vitest';
import { Secrets } from '../../src/core/secrets.js';
import { EVENT_NAMES } from '../../src/core/events.js';
import { progressSchema } from '../../src/report/progress-schema.js';
import { redactedJson } from '../../src/core/redacted.js';

describe('redactedJson', () => {
  const secrets = new Secrets(['2026', 'b"c d']);
  const redact = (text: string): string => secrets.redact(text);

  it('hides secrets in texts and keys, and stays JSON where a number looks like one', () => {
    const value = { at: '2026-01-01', ms: 2026, list: ['b"c d', 12026], deep: { 'key 2026': null } };
    const text = redactedJson(value, redact);
    expect(JSON.parse(text)).toEqual({ at: '***-01-01', ms: 2026, list: ['***', 12026], deep: { 'key ***': null } });
  });

  it('is indented where that is asked for', () => {
    expect(redactedJson({ a: 1 }, redact, 2)).toBe('{\n  "a": 1\n}');
  });
});

it('the schema of progress has each event, and how the run stands', () => {
  const names = progressSchema.options.map(({ shape }) => shape.event.value);
  expect([...names].sort()).toEqual([...EVENT_NAMES, 'batch:progress'].sort());
});
