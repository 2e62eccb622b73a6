import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secrets } from '../../src/core/secrets.js';

const canary = 'c4nary/+ "söcret"=&?';
const secrets = new Secrets([canary, 'abc']);

describe('Secrets', () => {
  it.each([
    ['plain', canary],
    ['in a URL', encodeURIComponent(canary)],
    ['in a form', new URLSearchParams({ v: canary }).toString().slice(2)],
    ['in JSON', JSON.stringify({ v: canary })],
    ['in Base64', Buffer.from(canary).toString('base64')],
    ['in Base64 behind a name', Buffer.from(`user:${canary}`).toString('base64')],
    ['in Base64 behind another name', Buffer.from(`use:${canary}`).toString('base64')],
    ['in Base64 between others', Buffer.from(`us:${canary}:end`).toString('base64url')],
  ])('finds a secret %s', (_, text) => {
    const told = secrets.redact(`a ${text} b`);
    expect(told).toContain('***');
    expect(told).not.toContain(canary.slice(0, 8));
    expect(Buffer.from(told, 'base64').toString()).not.toContain('c4nary');
  });

  it('leaves all else as it is, and too short a value too', () => {
    expect(secrets.redact('abc, and nothing else')).toBe('abc, and nothing else');
    expect(new Secrets([]).none).toBe(true);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('x', 'y', ' ') }), (text) => secrets.redact(text) === text),
    );
  });

  it('hides the beginning of one that was cut', () => {
    expect(secrets.redact(`answered ${canary.slice(0, 9)}...`)).toBe('answered ***...');
    expect(secrets.redact(`answered ${canary.slice(0, 9)}`)).toBe('answered ***');
  });

  it('hides the longer one where one is in another', () => {
    expect(new Secrets(['pass', 'password']).redact('my password')).toBe('my ***');
  });
});
