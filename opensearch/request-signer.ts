import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import aws4 from 'aws4';
import type { Config } from '../config/schema.js';
import { openAwsCredentials } from './aws-credentials.js';
import type { Headers } from './hop-headers.js';

/** What a signature covers. `host` is the one that will be sent; `path` carries the query string. */
export interface SignedRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer | string | undefined;
}

export type SignRequest = (request: SignedRequest) => Headers;

/**
 * Headers that must not travel under our signature: a client's own signature and session token would not fit it, and those by
 * which OpenSearch's security plugin lets an account act as another user or tenant, or believes a proxy's word on who asks,
 * would lend a client all that our account may do.
 */
const NOT_UNDER_OURS =
  /^(authorization|forwarded|x-real-ip|(x-)?remote-(user|roles)|es-security-runas-user|(security|sg)_?tenant|_?(opendistro|opensearch)_security_.*|x-(amz|proxy|forwarded)-.*)$/i;

/** Amazon's services take no longer body. */
const SIGNED_BYTES = 100 * 1024 ** 2;

/**
 * Signs requests for Amazon OpenSearch Service (`es`) or Serverless (`aoss`), AWS Signature Version 4
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). A client's own signature covers another host, so its
 * `authorization` is replaced. Null where the configuration asks for no signature.
 */
export function openSigner({ auth }: Pick<Config['opensearch'], 'auth'>): SignRequest | null {
  if (auth.type !== 'sigv4') return null;
  const { region, service } = auth;
  const readCredentials = openAwsCredentials(auth);
  return ({ method, host, path, headers, body }) => {
    // Headers on the way may change, so only those that we make are signed; the client's travel unsigned.
    const signed = aws4.sign(
      {
        method,
        path,
        service,
        region,
        headers: {
          host,
          'x-amz-content-sha256': createHash('sha256')
            .update(body ?? '')
            .digest('hex'),
          ...(headers['content-type'] === undefined ? {} : { 'content-type': headers['content-type'] }),
        },
        ...(body === undefined ? {} : { body }),
      },
      readCredentials(),
    );
    const others = Object.entries(headers).filter(([name]) => !NOT_UNDER_OURS.test(name));
    const made: Headers = {};
    for (const [name, value] of Object.entries(signed.headers ?? {})) {
      const key = name.toLowerCase();
      if (typeof value === 'string' && key !== 'host' && key !== 'content-length') made[key] = value;
    }
    return { ...Object.fromEntries(others), ...made };
  };
}

/** A signature covers the body, so a request whose body still arrives is given it whole. Throws a RangeError over 100 MB. */
export async function gatherBody<T extends { body?: Readable | Buffer }>(request: T): Promise<T> {
  if (!(request.body instanceof Readable)) return request;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    const bytes = Buffer.from(chunk as Uint8Array);
    length += bytes.length;
    if (length > SIGNED_BYTES) throw new RangeError('a request of more than 100 MB cannot be signed; send it in smaller parts');
    chunks.push(bytes);
  }
  return { ...request, body: Buffer.concat(chunks, length) };
}
