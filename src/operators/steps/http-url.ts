import { BatchxError } from '../../core/errors.js';
import { show } from '../../core/schema.js';
import { compileTemplate, type Scope, type Template, textOfValue } from '../../core/template.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** A tag or a place of a template, or another character. */
const piece = String.raw`\{\{[^]*?\}\}|\{%[^]*?%\}`;
const absolute = new RegExp(String.raw`^(https?://)((?:${piece}|[^/?#])+)([^]*)$`, 'i');
const fromValue = new RegExp(String.raw`^(\{\{[^]*?\}\})((?:[/?#][^]*)?)$`);

/** Marks where a value begins and ends: no URL has it, and no value once it is encoded. */
const MARK = '\0';

/** The URL of a request, with places for values. */
export interface UrlTemplate {
  /** What its host is made of; nothing when it is written out. */
  readonly hostNames: readonly string[];
  /** The host, when it is written out. */
  readonly host?: string;
  /** The URL for the names of an item. */
  render(scope: Scope): URL;
}

export interface RequestLine {
  readonly method: string;
  /** Whether the method was written. */
  readonly said: boolean;
  readonly url: UrlTemplate;
}

/** Reads a text such as `PUT https://shop.example/{{ sku }}`. */
export function parseRequestLine(text: string): RequestLine {
  const [, word, rest = ''] = /^\s*([A-Za-z]+)\s+(\S[^]*)$/.exec(text) ?? [];
  const method = word?.toUpperCase() ?? 'GET';
  if (!METHODS.includes(method)) {
    throw new BatchxError('usage', `expected a method such as GET, POST or PUT before the URL, got ${show(word)}`);
  }
  return { method, said: word !== undefined, url: urlTemplate((word === undefined ? text : rest).trim()) };
}

function urlTemplate(text: string): UrlTemplate {
  if (text.includes(MARK)) throw new BatchxError('usage', 'expected a URL, got one with a NUL character');
  const [, base, below = ''] = fromValue.exec(text) ?? [];
  if (base !== undefined) return belowValue(compileTemplate(base, 'URL'), compileTemplate(below, 'URL'));
  const [, scheme = '', host, path = ''] = absolute.exec(text) ?? [];
  if (host === undefined) {
    const what = 'a URL that begins with http:// or https://, or with a value such as {{ url }}';
    throw new BatchxError('usage', `expected ${what}, got ${show(text.slice(0, 100))}`);
  }
  const hostOf = compileTemplate(host, 'URL');
  const pathOf = compileTemplate(path, 'URL');
  if (hostOf.names.length + pathOf.names.length === 0 && isPlain(text)) {
    const url = urlOf(text, 'usage');
    return { hostNames: [], host: url.host, render: () => new URL(url) };
  }
  return {
    hostNames: hostOf.names,
    ...(isPlain(host) && { host: urlOf(scheme + host, 'usage').host }),
    render: (scope) => urlOf(`${scheme}${unmarked(hostOf.render(scope, encoded))}${pathIn(pathOf, scope)}`),
  };
}

const isPlain = (text: string): boolean => !text.includes('{{') && !text.includes('{%');

/** A URL that is a value, as it is, and what stands behind it. */
const belowValue = (base: Template, below: Template): UrlTemplate => ({
  hostNames: base.names,
  render(scope) {
    const front = base.render(scope);
    const url = urlOf(front);
    if (below.text === '') return url;
    if (url.search !== '' || url.hash !== '') {
      throw new BatchxError(
        'encode',
        `URL: expected ${base.text} to be a URL without a query, as more stands behind it`,
      );
    }
    const path = pathIn(below, scope);
    return urlOf(path.startsWith('/') ? front.replace(/\/+$/, '') + path : front + path);
  },
});

function urlOf(text: string, code: 'usage' | 'encode' = 'encode'): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Told below; the text may hold a secret.
  }
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== '') return url;
  throw new BatchxError(code, `URL: expected one of http or https with a host, got ${shown(text)}`);
}

/** The beginning of a URL that is none, up to where keys may stand. */
const shown = (text: string): string =>
  show(
    text
      .replace(/[?#][^]*$/, '?...')
      .replace(/\/\/[^/]*@/, '//')
      .slice(0, 100),
  );

/** The path and the query with encoded values. A value may neither leave its folder nor be missing from its path. */
function pathIn(template: Template, scope: Scope): string {
  const marked = template.render(scope, encoded);
  const [path = ''] = marked.split(/[?#]/, 1);
  for (const segment of path.split('/')) {
    if (!segment.includes(MARK)) continue;
    const text = unmarked(segment);
    if (text !== '' && text !== '.' && text !== '..') continue;
    throw new BatchxError(
      'encode',
      `URL: the values of ${template.text} make ${text === '' ? 'an empty part' : `the part \`${text}\``} of its path, which is another place`,
    );
  }
  return unmarked(marked);
}

const unmarked = (text: string): string => text.replaceAll(MARK, '');

function encoded(value: unknown, name: string): string {
  return MARK + encodeText(textOfValue(value, name), name) + MARK;
}

/** A text as a component of a URL. */
export function encodeText(text: string, name: string): string {
  try {
    return encodeURIComponent(text);
  } catch (error) {
    throw new BatchxError('encode', `URL: expected \`${name}\` to be text, got half of a character`, { cause: error });
  }
}
