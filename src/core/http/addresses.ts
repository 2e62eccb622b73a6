import { BlockList, isIP, isIPv4 } from 'node:net';

/** Networks that are not the public internet, and what clouds answer their own machines from. */
const notPublic4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;

/** What of 2000::/3 is not public; of IPv6 nothing else is. */
const notPublic6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
] as const;

const blocked4 = new BlockList();
for (const [network, bits] of notPublic4) blocked4.addSubnet(network, bits, 'ipv4');
const blocked6 = new BlockList();
for (const [network, bits] of notPublic6) blocked6.addSubnet(network, bits, 'ipv6');

/**
 * Whether an IP address is one of the public internet: not of this machine, a private network, a link, a carrier's
 * network or a cloud's own services, in IPv4 or in any of the ways to write that as IPv6. What is no address is not.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !blocked4.check(address, 'ipv4');
  const plain = address.replace(/%.*$/, '');
  if (isIP(plain) !== 6) return false;
  const groups = groupsOf(plain);
  const embedded = embeddedIn(groups);
  if (embedded !== undefined) return isPublicAddress(embedded);
  return ((groups[0] as number) & 0xe000) === 0x2000 && !blocked6.check(plain, 'ipv6');
}

/** The IPv4 address that an IPv6 one leads to: mapped, of a translator, or 6to4. */
function embeddedIn(groups: readonly number[]): string | undefined {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  if (a === 0x2002) return dotted(b, c);
  if (c !== 0 || d !== 0) return undefined;
  const mapped = a === 0 && b === 0 && e === 0 && f === 0xffff;
  const translated =
    (a === 0 && b === 0 && e === 0xffff && f === 0) || (a === 0x64 && b === 0xff9b && e === 0 && f === 0);
  return mapped || translated ? dotted(g, h) : undefined;
}

const dotted = (high: number, low: number): string => `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;

function groupsOf(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) =>
    [(Number(a) << 8) | Number(b), (Number(c) << 8) | Number(d)].map((group) => group.toString(16)).join(':'),
  );
  const [front = '', back] = hex.split('::');
  const read = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const before = read(front);
  const after = read(back ?? '');
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
