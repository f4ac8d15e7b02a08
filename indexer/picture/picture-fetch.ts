import { Agent, errors, request } from 'undici';
import type { Config } from '../../config/schema.js';
import { AddressGuard, type Resolve } from './address-guard.js';
import { PictureRefused } from './picture-refused.js';

const CONNECT_TIMEOUT_MS = 2_000;
const REDIRECTS = 3;
const REDIRECT_STATUS = new Set([301, 302, 303, 307, 308]);

export interface PictureFetcher {
  /** Bytes behind an http(s) address. @throws PictureRefused */
  fetch(address: string): Promise<Buffer>;
  close(): Promise<void>;
}

/**
 * Fetches pictures with limits on time, bytes and connections a host. Redirects are followed by hand, so that each hop
 * passes the guard. Bytes are counted as they come: a declared length may lie.
 */
export function openPictureFetcher(options: Config['index']['fetch'], resolve?: Resolve): PictureFetcher {
  const guard = new AddressGuard({ allowHosts: options.allowHosts, ...(resolve ? { resolve } : {}) });
  const agent = new Agent({
    connections: options.perHost,
    connect: { lookup: guard.lookup, timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
  });

  const fetchOnce = async (address: URL, signal: AbortSignal): Promise<Buffer | URL> => {
    guard.check(address);
    const { statusCode, headers, body } = await request(address.href, {
      dispatcher: agent,
      signal,
      headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'fuserank-indexer' },
    });
    try {
      if (REDIRECT_STATUS.has(statusCode)) {
        const location = [headers.location].flat()[0];
        if (location === undefined || !URL.canParse(location, address.href))
          throw new PictureRefused(`HTTP ${statusCode} without a usable location`);
        return new URL(location, address.href);
      }
      if (statusCode !== 200) throw new PictureRefused(`HTTP ${statusCode}`);
      const encoding = [headers['content-encoding']].flat()[0];
      if (encoding !== undefined && encoding !== 'identity')
        throw new PictureRefused(`answer is packed (${encoding}) though none was asked for`);
      return await readLimited(body, options.maxBytes);
    } finally {
      body.on('error', () => undefined).destroy();
    }
  };

  return {
    async fetch(address) {
      if (!URL.canParse(address)) throw new PictureRefused('not an address');
      const signal = AbortSignal.timeout(options.timeoutMs);
      let target = new URL(address);
      try {
        for (let hop = 0; hop <= REDIRECTS; hop += 1) {
          const answer = await fetchOnce(target, signal);
          if (!(answer instanceof URL)) return answer;
          target = answer;
        }
      } catch (error) {
        throw describeFailure(error, options.timeoutMs);
      }
      throw new PictureRefused(`more than ${REDIRECTS} redirects`);
    },
    close: () => agent.destroy(),
  };
}

async function readLimited(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function tooLarge(maxBytes: number): PictureRefused {
  return new PictureRefused(`larger than ${maxBytes} bytes (index.fetch.maxBytes)`);
}

function describeFailure(error: unknown, timeoutMs: number): PictureRefused {
  if (error instanceof PictureRefused) return error;
  const slow =
    (error instanceof Error && error.name === 'TimeoutError') ||
    error instanceof errors.ConnectTimeoutError ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError;
  if (slow) return new PictureRefused(`no complete answer within ${timeoutMs} ms`, { cause: error });
  return new PictureRefused(`cannot be fetched: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
