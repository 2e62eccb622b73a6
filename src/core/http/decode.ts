import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { systemCode } from '../errors.js';

type Unpack = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>;

const inflated = promisify(inflate) as Unpack;
const inflatedRaw = promisify(inflateRaw) as Unpack;

const unpackBy = new Map<string, Unpack>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['br', promisify(brotliDecompress)],
  // Some servers leave out the header of zlib, whose first byte says so.
  [
    'deflate',
    (bytes, options) => (((bytes[0] ?? 0) & 0x0f) === 8 ? inflated(bytes, options) : inflatedRaw(bytes, options)),
  ],
]);

/** What we say that we can read. */
export const acceptEncoding = 'gzip, deflate, br';

/** Why a body could not be decoded: what it is packed with, how it is broken, or how long it would get. */
export class DecodeFailure {
  readonly kind: 'unknown' | 'broken' | 'short' | 'long';
  readonly encoding: string;

  constructor(kind: DecodeFailure['kind'], encoding: string) {
    this.kind = kind;
    this.encoding = encoding;
  }
}

/** The bytes of a body as they were before it was packed, `limit` at most: what gets longer is refused unread. */
export async function decodeBody(body: Buffer, encodings: string, limit: number): Promise<Buffer | DecodeFailure> {
  let bytes = body;
  // They are listed in the order in which they were applied.
  for (const encoding of encodings.toLowerCase().split(',').reverse()) {
    const name = encoding.trim();
    if (name === '' || name === 'identity' || bytes.length === 0) continue;
    const unpack = unpackBy.get(name);
    if (unpack === undefined) return new DecodeFailure('unknown', name);
    try {
      bytes = await unpack(bytes, { maxOutputLength: limit });
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ERR_BUFFER_TOO_LARGE') return new DecodeFailure('long', name);
      return new DecodeFailure(code === 'Z_BUF_ERROR' ? 'short' : 'broken', name);
    }
  }
  return bytes;
}
