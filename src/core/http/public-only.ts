import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { BatchxError } from '../errors.js';
import { isPublicAddress } from './addresses.js';

/** Connects to a server. It gives the socket at once, which the type of `undici` does not say. */
export type Connect = (...given: Parameters<buildConnector.connector>) => Socket | undefined;

/**
 * Connects to public addresses alone. Each address is looked at just before it is connected to, so that a name that is
 * resolved again to something else is of no use, and that of the connection once more.
 */
export function publicOnly(
  make: (options: buildConnector.BuildOptions) => buildConnector.connector,
  find: LookupFunction = systemLookup,
): Connect {
  const lookup: LookupFunction = (hostname, options, callback) => {
    find(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const addresses = found as unknown as LookupAddress[];
      const open = addresses.filter(({ address }) => isPublicAddress(address));
      const [first] = open;
      if (first === undefined) callback(refusal(hostname, addresses[0]?.address), '');
      else if (options.all === true) (callback as (error: null, addresses: LookupAddress[]) => void)(null, open);
      else callback(null, first.address, first.family);
    });
  };
  const connect = make({ lookup }) as Connect;
  return (options, callback) => {
    const { hostname } = options;
    if (isIP(hostname) !== 0 && !isPublicAddress(hostname)) {
      queueMicrotask(() => callback(refusal(hostname, hostname), null));
      return undefined;
    }
    return connect(options, ((error: Error | null, socket?: Socket) => {
      const address = socket?.remoteAddress ?? '';
      if (error !== null || isPublicAddress(address)) {
        (callback as (error: Error | null, socket?: Socket) => void)(error, socket);
        return;
      }
      socket?.destroy();
      callback(refusal(hostname, address), null);
    }) as buildConnector.Callback);
  };
}

const refusal = (hostname: string, address = 'no address'): BatchxError =>
  new BatchxError(
    'http',
    `${hostname}${address === hostname ? '' : ` (${address})`} is not on the public internet, and came from data: \`allowPrivate\` allows that`,
    { class: 'permanent' },
  );
