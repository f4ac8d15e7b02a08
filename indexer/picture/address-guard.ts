import { lookup as lookupName } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { PictureRefused } from './picture-refused.js';

export interface HostAddress {
  address: string;
  family: number;
}

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly HostAddress[]>;

/** Ports that a public picture host may be asked on; hosts of `allowHosts` may use any. */
const PUBLIC_PORTS = new Set(['', '80', '443']);

/**
 * Keeps the indexer from being sent into the operator's own network by an address in a catalogue (SSRF). Only public
 * unicast addresses are connected to; loopback, private, link-local (cloud metadata), carrier NAT, multicast, and IPv6
 * forms that carry an IPv4 address inside are refused. Hosts in `allowHosts` are exempt: the operator named them.
 */
export class AddressGuard {
  private readonly allowed: ReadonlySet<string>;
  private readonly resolve: Resolve;

  constructor(options: { allowHosts: readonly string[]; resolve?: Resolve }) {
    this.allowed = new Set(options.allowHosts.map((host) => host.toLowerCase()));
    this.resolve = options.resolve ?? ((hostname) => lookupName(hostname, { all: true }));
  }

  /**
   * Checks what can be seen in the address itself, before any name is resolved. Literal addresses must be judged here,
   * since no lookup is called for them. @throws PictureRefused
   */
  check(address: URL): void {
    if (address.protocol !== 'http:' && address.protocol !== 'https:') {
      throw new PictureRefused(`address has the scheme ${address.protocol.slice(0, -1)}; only http and https are fetched`);
    }
    if (address.username !== '' || address.password !== '') throw new PictureRefused('address carries a user name or password');
    if (this.isAllowed(address)) return;
    if (!PUBLIC_PORTS.has(address.port)) {
      throw new PictureRefused(`address has port ${address.port}; add ${address.host} to index.fetch.allowHosts if it is yours`);
    }
    // A name that is yours on one port is looked up without a check, so its other ports are refused here.
    if (this.isAllowedOnAnotherPort(address)) {
      throw new PictureRefused(
        `${address.hostname} is allowed with other ports only; add ${address.host} to index.fetch.allowHosts if it is yours`,
      );
    }
    const literal = address.hostname.replace(/^\[|\]$/g, '');
    if (isIP(literal) !== 0 && !isPublicAddress(literal)) throw notPublic(address.hostname);
  }

  private isAllowedOnAnotherPort(address: URL): boolean {
    return [...this.allowed].some((host) => host.startsWith(`${address.hostname.toLowerCase()}:`));
  }

  isAllowed(address: URL): boolean {
    return this.allowed.has(address.hostname.toLowerCase()) || this.allowed.has(address.host.toLowerCase());
  }

  /**
   * A `lookup` for sockets: the addresses that are checked are the very ones connected to, so that a name which answers
   * differently the second time (DNS rebinding) gains nothing. One address that is not public refuses the name.
   */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.resolveChecked(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) callback(new PictureRefused(`${hostname} has no address`), '', 0);
        else if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), '', 0),
    );
  };

  private async resolveChecked(hostname: string): Promise<readonly HostAddress[]> {
    const addresses = await this.resolve(hostname);
    const exempt = [...this.allowed].some((host) => host === hostname.toLowerCase() || host.startsWith(`${hostname.toLowerCase()}:`));
    if (!exempt && addresses.some(({ address }) => !isPublicAddress(address))) throw notPublic(hostname);
    return addresses;
  }
}

const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

function notPublic(host: string): PictureRefused {
  return new PictureRefused(`${host} is not a public address; add it to index.fetch.allowHosts if it is yours`);
}

/** True for globally routable unicast; an IPv4 address inside an IPv6 one (mapped, NAT64, 6to4, Teredo) is never public. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  // Only 2000::/3 is handed out for global use; what lies outside may still count as "unicast" by elimination.
  if (parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_IPV6)) return false;
  return parsed.range() === 'unicast';
}
