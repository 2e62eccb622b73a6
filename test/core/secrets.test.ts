import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdsSecret, Secrets } from '../../src/core/secrets.js';

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

  it.each([
    ['in a URL in a URL', encodeURIComponent(encodeURIComponent(canary))],
    ['in JSON in JSON', JSON.stringify(JSON.stringify({ v: canary }))],
    ['in JSON without slashes', JSON.stringify({ v: canary }).replaceAll('/', '\\/')],
    ['in JSON of ASCII alone', JSON.stringify({ v: canary }).replaceAll('ö', '\\u00f6')],
    ['in HTML', canary.replaceAll('&', '&amp;').replaceAll('"', '&quot;')],
    ['of which a part is encoded', canary.replace('/', '%2f').replace(' ', '%20')],
    ['as hexadecimal', Buffer.from(canary).toString('hex')],
    ['in Base64 in a URL', encodeURIComponent(Buffer.from(`user:${canary}`).toString('base64'))],
  ])('finds a secret %s', (_, text) => {
    const told = secrets.redact(`a ${text} b`);
    expect(told).toMatch(/\*\*\*/);
    expect(told.length).toBeLessThan(30);
  });

  it('finds one of several lines in one line, and each of its lines', () => {
    const key = new Secrets(['-----BEGIN-----\nMIIcanaryLine0neAbCdEf\nMIIcanaryLineTw0GhIjKl\n-----END-----\n']);
    expect(key.redact('of -----BEGIN----- MIIcanaryLine0neAbCdEf MIIcanaryLineTw0GhIjKl -----END-----.')).toBe(
      'of ***.',
    );
    expect(key.redact('MIIcanaryLineTw0GhIjKl!')).toBe('***!');
  });

  it('hides a part that is long, or at a cut, wherever that stands', () => {
    const long = new Secrets(['abcdefghijklmnopqrst']);
    expect(long.redact('abcdefghijkl and abcdefghijk')).toBe('*** and ***');
    expect(long.redact('abcdefgh, all the same')).toBe('abcdefgh, all the same');
    expect(long.redact('abcdefgh...; it redirects')).toBe('***...; it redirects');
  });

  it('holdsSecret tells whether there is a whole one', () => {
    const redact = (text: string): string => new Secrets(['password']).redact(text);
    expect(['a password', 'pass', 'p%61ssword'].map((text) => holdsSecret(text, redact))).toEqual([true, false, true]);
  });

  it('finds one of several lines that were ended otherwise, and short ones behind a long one', () => {
    const key = new Secrets(['short1\nMIIcanaryLine0neAbCdEf\nshort2']);
    for (const end of ['\n', '\r\n', '\n    ', ' ', '\\n', '\\\\n', '%0A', '%250D%250A', '+'])
      expect(key.redact(`a short1${end}MIIcanaryLine0neAbCdEf${end}short2 b`)).toBe('a *** b');
    expect(key.redact('MIIcanaryLine0neAbCdEf\nshort2, and more')).toBe('***, and more');
  });

  it('finds one whose bytes are told in lines', () => {
    const long = `${canary}/abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz0123456789`;
    const of = new Secrets([long]);
    const wrapped = (text: string, size: number, end: string): string =>
      text.replace(new RegExp(`.{${size}}`, 'g'), `$&${end}`);
    const hex = Buffer.from(long).toString('hex');
    const base64 = Buffer.from(long).toString('base64').replace(/=+$/, '');
    expect(of.redact(`<${wrapped(base64, 76, '\r\n')}>`)).toMatch(/^<\*\*\*.?>$/);
    expect(of.redact(`<${JSON.stringify(wrapped(base64, 76, '\r\n'))}>`)).toMatch(/^<"\*\*\*.?">$/);
    for (const text of [hex, hex.toUpperCase(), wrapped(hex, 60, '\n'), wrapped(hex.toUpperCase(), 2, ' ').trim()])
      expect(of.redact(`<${text}>`)).toBe('<***>');
    expect(of.redact(`<${hex.replace(/..(?=.)/g, '$&:')}>`)).toBe('<***>');
  });

  it('hides the rest of one that a text begins with, or that stands behind a cut', () => {
    const long = new Secrets(['abcdefghijklmnopqrst', 'line-one-is-long-enough\nand-two']);
    expect(long.redact('mnopqrst and more')).toBe('*** and more');
    expect(long.redact('opqrst and more')).toBe('opqrst and more');
    expect(long.redact('failed at ..."klmnopqrst"')).toBe('failed at ..."***"');
    expect(long.redact('Unexpected token, ..."defghijklmno"... is not valid JSON')).toBe(
      'Unexpected token, ..."***"... is not valid JSON',
    );
    expect(long.redact('defghijklmno')).toBe('***');
    expect(long.redact('long-enough\r\nand-two.')).toBe('***.');
    expect(long.redact('words with mnopqrst in them')).toBe('words with mnopqrst in them');
    const redact = (text: string): string => long.redact(text);
    expect(['mnopqrst', 'abcdefgh', 'xabcdefghijklmnopqrst'].map((text) => holdsSecret(text, redact))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('hides the longer one where one is in another', () => {
    expect(new Secrets(['pass', 'password']).redact('my password')).toBe('my ***');
  });
});
