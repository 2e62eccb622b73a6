import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import { builtin } from '../builtin.js';
import { BatchxError, messageOf, systemCode } from '../core/errors.js';
import { keepsDigits } from '../core/exact.js';
import { compileTemplate } from '../core/template.js';
import { entryOf } from '../pipeline/file/entry-of.js';
import type { Keys } from '../pipeline/file/pipeline-file.js';
import { haltText } from '../pipeline/halt-rule.js';
import { haltOf } from './halted.js';
import type { httpFlags } from './http-flags.js';

export type HttpFlags = z.output<typeof httpFlags>;

/** The keys of a pipeline that makes a request for each item of an input. */
export function httpKeys(request: string, input: Keys, flags: HttpFlags): Keys {
  const { secret, limit, failed, shape } = flags;
  const halt = haltText(haltOf(flags));
  const results = shape === 'result' ? { jsonl: '-' } : { outcomes: '-' };
  return {
    ...(secret !== undefined && { secrets: secret }),
    input: { ...input, ...(limit !== undefined && { limit }) },
    steps: [...(flags['retry-in-doubt'] ? [{ retryInDoubt: {} }] : []), requestKeys(request, flags)],
    output: [results, ...(failed === undefined ? [] : [entryOf(builtin.get('sink', 'failed'), { path: failed })])],
    ...(halt !== '' && { halt }),
  };
}

/** The step itself: options of the request, then how it is tried. */
export function requestKeys(request: string, flags: HttpFlags): Keys {
  const { header, data, form, query, expect, as, success, throttled, delay } = flags;
  const given: Keys = {
    http: request,
    headers: header && headersIn(header),
    query: query && pairsIn(query),
    json: flags['json-body'] === undefined ? undefined : jsonIn(flags['json-body']),
    body: data === undefined ? undefined : textOf(data, '--data'),
    form: form && pairsIn(form.map(refuseUpload)),
    idempotencyKey: flags['idempotency-key'],
    as,
    expect: expect?.length === 1 ? expect[0] : expect,
    success,
    throttled,
    redirects: flags.location ? 5 : undefined,
    maxBody: flags['max-body'],
    allowPrivate: flags['allow-private'] || undefined,
    headersTimeout: flags['headers-timeout'],
    bodyTimeout: flags['body-timeout'],
    concurrency: flags.concurrency,
    ordered: flags['keep-order'] || undefined,
    timeout: flags.timeout,
    retry: flags.retries,
    rate: flags.rate ?? (delay === undefined ? undefined : `1/${delay}`),
    cache: flags.cache || undefined,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Whether something in a request stands for a value of its item. */
export function namesValues(step: Keys): boolean {
  return textsIn(step).some((text) => {
    try {
      return compileTemplate(text).names.some((name) => !/^(?:env|run|config)\b/.test(name));
    } catch {
      // What is wrong with it is told by the check.
      return true;
    }
  });
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.includes('{{') || value.includes('{%') ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function headersIn(given: readonly string[]): Keys {
  const headers: Record<string, string> = {};
  const seen = new Set<string>();
  for (const text of given) {
    const at = text.indexOf(':');
    const name = text.slice(0, at).trim();
    if (seen.has(name.toLowerCase())) {
      throw new BatchxError(
        'usage',
        `--header: expected each header once, got ${name} twice: write its values in one, with a comma between them`,
      );
    }
    seen.add(name.toLowerCase());
    headers[name] = text.slice(at + 1).trim();
  }
  return headers;
}

/** Names with their values; one that is given several times has a list of them. */
function pairsIn(given: readonly string[]): Keys {
  const pairs: Record<string, string | string[]> = {};
  for (const text of given) {
    const at = text.indexOf('=');
    const name = text.slice(0, at);
    const value = text.slice(at + 1);
    const before = pairs[name];
    pairs[name] = before === undefined ? value : [before, value].flat();
  }
  return pairs;
}

/** curl would send the file. */
function refuseUpload(text: string): string {
  if (!/^[^=]+=[@<]/.test(text)) return text;
  throw new BatchxError(
    'usage',
    `--form: expected the value of a field, got ${text}: files are not uploaded as forms; --data '@FILE' sends a text as the body`,
  );
}

function jsonIn(given: string): unknown {
  const text = textOf(given, '--json-body');
  // A value that stands alone is JSON itself.
  if (/^\s*\{\{(?:(?!\}\})[^])*\}\}\s*$/.test(text)) return text.trim();
  try {
    const value = JSON.parse(text) as unknown;
    refuseLost(text);
    return value;
  } catch (error) {
    if (error instanceof BatchxError) throw error;
    const hint = text.includes('{{')
      ? '; a value stands in quotes, as in {"price": "{{ price }}"}, and alone keeps its kind'
      : '';
    throw new BatchxError(
      'usage',
      `--json-body: expected JSON, got ${JSON.stringify(text.slice(0, 100))}: ${(error as Error).message}${hint}`,
    );
  }
}

/** Throws for JSON with a number that JavaScript does not keep as it is written. */
function refuseLost(json: string): void {
  // Numbers in texts are none.
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)) {
    if (token.startsWith('"') || keepsDigits(token)) continue;
    throw new BatchxError(
      'usage',
      `--json-body: ${token} is too long or too large for a number, and another one would be sent: write it in quotes, as text`,
    );
  }
}

/** A text, or with `@` that of a file. */
function textOf(given: string, flag: string): string {
  if (!given.startsWith('@')) return given;
  const path = given.slice(1);
  if (path === '-')
    throw new BatchxError('usage', `${flag}: expected a file behind @, got -: standard input has the rows`);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new BatchxError('usage', `${flag}: cannot read ${path}: ${why}`, { cause: error });
  }
}
