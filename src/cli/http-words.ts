import type * as z from 'zod';
import { builtin } from '../builtin.js';
import { keepsBytes } from '../core/command/argument.js';
import { BatchxError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { shownArg } from './flag-faults.js';

/** What the words of a command line of `http` say. */
export interface HttpWords {
  /** The method, where it was said, and the URL. */
  readonly request: string;
  /** How many of the words that takes. */
  readonly words: number;
  readonly inputs: readonly string[];
}

const EXAMPLE = `as in: batchx http GET 'https://shop.example/{{ sku }}' rows.jsonl`;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Reads `[method] url [input...]`. Without a method it is GET, or POST for a request with a body. */
export function httpWords(positionals: readonly string[], values: readonly string[], hasBody: boolean): HttpWords {
  const bytes = [...positionals, ...values].find(keepsBytes);
  if (bytes !== undefined) throw new BatchxError('usage', `expected text in UTF-8, got ${shownArg(bytes)}`);
  const [first, second, ...others] = positionals;
  if (first === undefined) throw new BatchxError('usage', `expected a URL, ${EXAMPLE}`);
  const isMethod = /^[A-Za-z]+$/.test(first);
  if (isMethod && !METHODS.includes(first.toUpperCase())) {
    const hint = didYouMean(first.toUpperCase(), METHODS) || `; there are ${METHODS.join(', ')}`;
    throw new BatchxError('usage', `expected a method or a URL, got ${first}${hint}`);
  }
  const url = isMethod ? second : first;
  if (url === undefined) throw new BatchxError('usage', `expected a URL behind ${first}, ${EXAMPLE}`);
  if (url.includes('{}')) {
    throw new BatchxError(
      'usage',
      `expected {{ data }} in the URL where the value is to stand, or {{ name }} for a field of a row, got {}`,
    );
  }
  const method = isMethod ? first.toUpperCase() : hasBody ? 'POST' : 'GET';
  const request = `${method} ${url}`;
  const { request: schema } = builtin.get('step', 'http').options.shape as { readonly request: z.ZodType };
  const fault = schema.safeParse(request).error?.issues[0];
  if (fault !== undefined) throw new BatchxError('usage', fault.message);
  const inputs = isMethod || second === undefined ? others : [second, ...others];
  return { request, words: isMethod ? 2 : 1, inputs };
}
