import ipaddr from 'ipaddr.js';

/** Ranges that may be named instead of written out. */
const NAMED_RANGES: ReadonlySet<string> = new Set(['loopback', 'private', 'uniqueLocal', 'linkLocal']);

/** True for `loopback`, `private`, `uniqueLocal`, `linkLocal` and for CIDR notation such as `10.0.0.0/8`. */
export function isAddressRange(text: string): boolean {
  return NAMED_RANGES.has(text) || ipaddr.isValidCIDR(text);
}

/** Whether an address lies in one of the ranges; IPv4 written as IPv6 counts as IPv4. What is no address lies in none. */
export function liesInRanges(address: string, ranges: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return ranges.some((range) => {
    if (NAMED_RANGES.has(range)) return parsed.range() === range;
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}
