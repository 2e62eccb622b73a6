import type * as z from 'zod';
import { BatchxError } from '../../core/errors.js';
import { acceptEncoding } from '../../core/http/decode.js';
import type { HttpRequest } from '../../core/http/exchange.js';
import type { Item } from '../../core/item.js';
import type { Runtime } from '../../core/runtime.js';
import { compileTemplate, type Scope, scopeOf, textOfValue } from '../../core/template.js';
import { bodyOf, pairsOf, type Part, type RequestBody } from './http-body.js';
import type { httpOptions } from './http-options.js';
import { encodeText, parseRequestLine, type UrlTemplate } from './http-url.js';

type Options = z.output<typeof httpOptions>;

/** A request for an item. */
export interface ItemRequest extends HttpRequest {
  /** Whether its host came from data: then it is not to be one of a private network. */
  readonly fromData: boolean;
}

/** Makes the request of each item, as the options of a step describe it. */
export class Requests {
  readonly method: string;
  readonly #url: UrlTemplate;
  readonly #query: Part<(readonly [string, string])[]> | undefined;
  /** Those that are the same for all items, and those that are not. */
  readonly #fixed: Record<string, string> = {};
  readonly #headers: [name: string, value: Part<string>][] = [];
  readonly #body: RequestBody | undefined;
  readonly #context: Runtime['context'];

  constructor(options: Options, { context }: Runtime) {
    const { method, said, url } = parseRequestLine(options.request);
    const { query, headers, idempotencyKey } = options;
    this.method = method;
    this.#url = url;
    this.#context = context;
    this.#query = Object.keys(query).length === 0 ? undefined : pairsOf(query, 'query');
    this.#body = bodyOf(options);
    if (this.#body !== undefined && !said) {
      throw new BatchxError('usage', `http: expected a method before the URL, as POST, for a request with a body`);
    }
    const all: Record<string, string> = { 'accept-encoding': acceptEncoding };
    if (this.#body?.type !== undefined) all['content-type'] = this.#body.type;
    for (const [name, value] of Object.entries(headers)) all[name.toLowerCase()] = value;
    if (idempotencyKey !== undefined) all['idempotency-key'] = idempotencyKey;
    for (const [name, text] of Object.entries(all)) {
      const value = headerOf(name, text);
      if (typeof value === 'string') this.#fixed[name] = value;
      else this.#headers.push([name, value]);
    }
  }

  /** The server that an item's request goes to. */
  readonly serverOf = (item: Item): string => this.#url.host ?? this.#url.render(scopeOf(item, this.#context)).host;

  /** The request of an item; throws when its data do not make one. */
  of(item: Item): ItemRequest {
    const scope = scopeOf(item, this.#context);
    const url = this.#url.render(scope);
    const query = this.#query?.(scope) ?? [];
    if (query.length > 0) url.search += `${url.search === '' ? '?' : '&'}${query.map(pairText).join('&')}`;
    let headers = this.#fixed;
    if (this.#headers.length > 0) {
      headers = { ...headers };
      for (const [name, value] of this.#headers) headers[name] = value(scope);
    }
    if ((url.username !== '' || url.password !== '') && headers.authorization === undefined)
      headers = { ...headers, authorization: basic(url) };
    return { method: this.method, url, headers, body: this.#body?.content(scope), fromData: this.#isFromData(item) };
  }

  /** Names are looked up in an item first: what is not there is the pipeline's own, such as `config`. */
  #isFromData(item: Item): boolean {
    const { hostNames } = this.#url;
    if (hostNames.length === 0) return false;
    const own = scopeOf(item);
    return hostNames.some((name) => own(name.split(/[.[]/, 1)[0] ?? '') !== undefined);
  }
}

const pairText = ([name, value]: readonly [string, string]): string =>
  `${encodeText(name, name)}=${encodeText(value, name)}`;

function headerOf(name: string, text: string): string | Part<string> {
  const template = compileTemplate(text, `header ${name}`);
  if (template.names.length === 0) return checked(name, template.render(empty), 'usage');
  return (scope) => checked(name, template.render(scope, textOfValue), 'encode');
}

const empty: Scope = Object.assign(() => undefined, { names: () => [] });

/** A line break would begin another header. The value is not told: it may be a key. */
function checked(name: string, value: string, code: 'usage' | 'encode'): string {
  if (!/[^\t\x20-\x7e\x80-\xff]/.test(value)) return value;
  const what = /[\r\n\0]/.test(value) ? 'a line break or a NUL character' : 'characters that no header can have';
  throw new BatchxError(code, `header ${name}: expected one line of text, got ${what}`);
}

/** What a URL says before its host, as the header that it stands for. */
const basic = ({ username, password }: URL): string =>
  `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
