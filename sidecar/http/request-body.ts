import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** A body read whole, or, once it proved longer than the limit, as a stream from its first byte. */
export type RequestBody = { readonly kind: 'whole'; readonly bytes: Buffer } | { readonly kind: 'stream'; readonly stream: Readable };

/** The client broke off: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

const NO_BYTES = Buffer.alloc(0);

/**
 * Reads up to `limit` bytes; what is longer is not refused, only not held. Rejects with ClientGone when the client breaks off.
 * The bytes are as sent: a compressed body stays compressed.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<RequestBody> {
  const announced = request.headers['content-length'];
  if (announced === undefined && request.headers['transfer-encoding'] === undefined)
    return Promise.resolve({ kind: 'whole', bytes: NO_BYTES });
  if (announced !== undefined && Number(announced) > limit) return Promise.resolve({ kind: 'stream', stream: request });
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= limit) return;
      settle();
      request.pause();
      resolve({ kind: 'stream', stream: Readable.from(joinParts(chunks, request), { objectMode: false }) });
    };
    const onEnd = (): void => {
      settle();
      resolve({ kind: 'whole', bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length) });
    };
    const onClose = (): void => {
      settle();
      // A reset that comes later has nobody else to hear it.
      request.on('error', () => undefined);
      reject(new ClientGone('the client closed the connection before its request was whole'));
    };
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

async function* joinParts(first: readonly Buffer[], rest: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  yield* first;
  yield* rest;
}
