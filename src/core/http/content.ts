import { BatchxError } from '../errors.js';

export type ContentKind = 'json' | 'text' | 'bytes';

/** What the type of a body says of it. */
export interface ContentType {
  /** Undefined without a type: it is text where it can be. */
  readonly kind: ContentKind | undefined;
  readonly charset: string;
}

/** The types that have been read: servers send few. */
const known = new Map<string, ContentType>();
const MOST_KNOWN = 100;

/** Reads the header `content-type`; of several the first one. */
export function contentTypeOf(header: string | string[] | undefined): ContentType {
  const text = (typeof header === 'string' ? header : header?.[0]) ?? '';
  const before = known.get(text);
  if (before !== undefined) return before;
  const name = text.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(text) ?? [];
  const read = { kind: name === '' ? undefined : kindOf(name), charset: charset.toLowerCase() };
  if (known.size < MOST_KNOWN) known.set(text, read);
  return read;
}

const textTypes =
  /^text\/|^application\/(?:[^;]+\+)?(?:xml|yaml)$|^application\/(?:javascript|x-www-form-urlencoded|graphql|sql|x-yaml|(?:x-)?ndjson|jsonl|json-seq)$/;

function kindOf(name: string): ContentKind {
  if (/^(?:application|text)\/(?:[^;]+\+)?json$/.test(name)) return 'json';
  return textTypes.test(name) ? 'text' : 'bytes';
}

/** A body as text, in the encoding that its type names. */
export function textOf({ charset }: ContentType, body: Buffer): string {
  if (charset === 'utf-8' || charset === 'utf8') {
    const text = body.toString('utf8');
    return text.startsWith('\ufeff') ? text.slice(1) : text;
  }
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    // One that nobody knows.
    return body.toString('utf8');
  }
}

/** The value of a body that is JSON; `of` is what the message calls the request. */
export function jsonIn(text: string, of: () => string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const what = text.trim() === '' ? 'an empty body' : (error as Error).message;
    throw new BatchxError('parse', `${of()}: expected JSON: ${what}`, {
      class: 'permanent',
      maybeDone: true,
      cause: error,
    });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Whether bytes of which nothing is known can be text. */
export function isText(body: Uint8Array): boolean {
  try {
    return !utf8.decode(body).includes('\0');
  } catch {
    return false;
  }
}
