import { createHash, type Hash } from 'node:crypto';

/** Deeper data are taken for data that lead back to themselves. */
const DEEPEST = 512;

/** Whether a value is data alone: text, numbers, bytes, times, and arrays and objects of them. */
export function isPlain(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol';
  if (value instanceof Uint8Array || value instanceof Date) return true;
  if (depth > DEEPEST) return false;
  if (Array.isArray(value)) return value.every((each) => isPlain(each, depth + 1));
  return isRecord(value) && Object.values(value).every((each) => isPlain(each, depth + 1));
}

/**
 * A hash by which equal data are found again, whatever the order of their keys; undefined for what is not plain. What
 * says by `toJSON` what it is counts as that.
 */
export function fingerprint(value: unknown): string | undefined {
  const hash = createHash('sha256');
  return digest(value, hash, 0) ? hash.digest('hex') : undefined;
}

/** Each part says its kind and its length, so that no two values write the same. */
function digest(value: unknown, hash: Hash, depth: number): boolean {
  if (depth > DEEPEST) return false;
  if (typeof value === 'string') return put(hash, 's', Buffer.from(value, 'utf16le'));
  if (typeof value === 'function' || typeof value === 'symbol') return false;
  if (typeof value !== 'object' || value === null) return put(hash, typeof value, Buffer.from(String(value)));
  if (value instanceof Uint8Array) return put(hash, 'b', value);
  if (value instanceof Date) return put(hash, 't', Buffer.from(String(value.getTime())));
  if (Array.isArray(value)) {
    put(hash, `a${value.length}`, nothing);
    return value.every((each) => digest(each, hash, depth + 1));
  }
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return digest((value.toJSON as () => unknown)(), hash, depth + 1);
  if (!isRecord(value)) return false;
  const keys = Object.keys(value).sort();
  put(hash, `o${keys.length}`, nothing);
  return keys.every((key) => digest(key, hash, depth + 1) && digest(value[key], hash, depth + 1));
}

const nothing = new Uint8Array();

function put(hash: Hash, kind: string, bytes: Uint8Array): true {
  hash.update(`${kind}:${bytes.length}\n`).update(bytes);
  return true;
}

function isRecord(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}
