import * as z from 'zod';
import { describe, expect, it } from 'vitest';
import { byteSize, describeIssues, duration, parseOptions, toBytes, toMs } from '../../src/core/schema.js';

const messageFor = (schema: z.ZodType, input: unknown) => describeIssues(schema.safeParse(input).error?.issues ?? []);

describe('duration', () => {
  it.each([
    ['500ms', 500],
    ['2s', 2000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['0s', 0],
    ['0.25s', 250],
  ])('%s', (text, ms) => {
    expect(duration().parse(text)).toBe(text);
    expect(toMs(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-1s', '1 s', '1e3s', '.5s', '1.s', '1S', '1min', ' 1s', '1s\n'])('refuses %j', (text) => {
    expect(messageFor(duration(), text)).toBe(
      `expected a time such as "500ms", "2s" or "1.5m", got ${JSON.stringify(text)}`,
    );
  });

  it.each([
    [5, '5 (number)'],
    [null, 'null'],
    [undefined, 'undefined'],
    [['1s'], 'an array'],
  ])('refuses %j', (input, shown) => {
    expect(messageFor(duration(), input)).toBe(`expected a time such as "500ms", "2s" or "1.5m", got ${shown}`);
  });

  it('may be parsed twice', () => {
    const schema = z.strictObject({ per: duration().prefault('1s') });
    expect(schema.parse(schema.parse({}))).toEqual({ per: '1s' });
  });
});

describe('byteSize', () => {
  it.each([
    ['0B', 0],
    ['64KB', 65_536],
    ['64k', 65_536],
    ['1.5MB', 1_572_864],
    ['1m', 1_048_576],
    ['2G', 2_147_483_648],
    ['1gb', 1_073_741_824],
    ['0.3B', 0],
  ])('%s', (text, bytes) => {
    expect(byteSize().parse(text)).toBe(text);
    expect(toBytes(text)).toBe(bytes);
  });

  it.each(['', '64', 'KB', '-1KB', '1 KB', '1TB', '1KiB', '1,5MB'])('refuses %j', (text) => {
    expect(messageFor(byteSize(), text)).toBe(`expected a size such as "64KB" or "1.5MB", got ${JSON.stringify(text)}`);
  });

  it('refuses a number', () => {
    expect(messageFor(byteSize(), 64)).toBe('expected a size such as "64KB" or "1.5MB", got 64 (number)');
  });
});

describe('parseOptions', () => {
  const schema = z.strictObject({
    path: z.string(),
    per: duration().optional(),
    deep: z.strictObject({ n: z.int() }).optional(),
  });

  it('gives what the schema makes of the input', () => {
    expect(parseOptions(schema, { path: 'a' }, 'jsonl')).toEqual({ path: 'a' });
  });

  it('names every fault and its option', () => {
    expect(() => parseOptions(schema, { path: 1, per: 'soon', deep: { n: 1.5 }, colour: 'red' }, 'jsonl')).toThrow(
      expect.objectContaining({
        code: 'usage',
        message:
          'jsonl: `path`: Invalid input: expected string, received number; ' +
          '`per`: expected a time such as "500ms", "2s" or "1.5m", got "soon"; ' +
          '`deep.n`: Invalid input: expected int, received number; ' +
          'Unrecognized key: "colour"',
      }),
    );
  });

  it('says it plainly when the whole is wrong', () => {
    expect(() => parseOptions(schema, 'a', 'jsonl')).toThrow('jsonl: Invalid input: expected object, received string');
  });
});
