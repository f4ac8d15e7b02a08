import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Request, Response as ExpressResponse } from 'express';
import { nestsDeeper } from '../json/spans.js';
import { unpackedBytes } from '../request/plain-body.js';
import { HttpError } from './errors.js';
import type { PhotoRoom } from './photo-room.js';
import { readBody } from './request-body.js';

const unzip = promisify(gunzip);

/**
 * Reads the body of one of our own routes, unpacked; a long one has its place in the room until the answer is out.
 * Throws HttpError `photo_room_full`, `body_too_large` or `bad_request`.
 */
export async function readOwnBody(
  request: Request,
  { response, limit, room }: { response: ExpressResponse; limit: number; room: PhotoRoom },
): Promise<Buffer> {
  const { 'content-length': announced, 'transfer-encoding': chunked, 'content-encoding': encoding = 'identity' } = request.headers;
  room.hold(Math.min(limit, announced === undefined ? (chunked === undefined ? 0 : limit) : Number(announced)), response);
  const body = await readBody(request, limit);
  if (body.kind === 'stream') throw new HttpError('body_too_large', `${limit / 1024 ** 2} MB`, { connection: 'close' });
  if (encoding === 'identity') return body.bytes;
  if (encoding !== 'gzip') throw new HttpError('bad_request', `content-encoding ${encoding.slice(0, 40)} is not read here, gzip is`);
  const maxOutputLength = unpackedBytes(body.bytes, limit);
  room.hold(maxOutputLength, response);
  try {
    return await unzip(body.bytes, { maxOutputLength });
  } catch (cause) {
    throw new HttpError('bad_request', `the body is not gzip, or unpacks to over ${limit / 1024 ** 2} MB`, {}, { cause });
  }
}

/** What is nested deeper is no query: the engine takes 20 inside each other, each 3 levels of JSON. */
const DEEPEST = 100;

/** A body as JSON; an empty one is an empty object. Throws HttpError `bad_request`. */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return {};
  if (nestsDeeper(body, DEEPEST)) throw new HttpError('bad_request', `the body is nested more than ${DEEPEST} deep`);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new HttpError('bad_request', `the body is not JSON (${error instanceof Error ? error.message.slice(0, 120) : 'unreadable'})`);
  }
}

/**
 * A form as an object: files become base64, every other field is text, of `history`, `filter` and `fields` its JSON.
 * Throws HttpError `bad_request`.
 */
export async function parseFormBody(body: Buffer, contentType: string): Promise<Record<string, unknown>> {
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch (cause) {
    throw new HttpError('bad_request', 'the body is not multipart/form-data with the boundary that its content-type names', {}, { cause });
  }
  const read: Record<string, unknown> = {};
  for (const [name, value] of form) {
    if (Object.hasOwn(read, name)) throw new HttpError('bad_request', `${name.slice(0, 100)}: given twice`);
    Object.defineProperty(read, name, { value: await readFormField(name, value), enumerable: true });
  }
  return read;
}

const JSON_FIELDS: ReadonlySet<string> = new Set([
  'history',
  'filter',
  'fields',
  'size',
  'from',
  'blend',
  'budget_ms',
  'explain',
  'in_stock_only',
]);

async function readFormField(name: string, value: string | Blob): Promise<unknown> {
  if (typeof value !== 'string') return Buffer.from(await value.arrayBuffer()).toString('base64');
  if (!JSON_FIELDS.has(name)) return value;
  try {
    return parseJsonBody(Buffer.from(value));
  } catch (cause) {
    throw new HttpError('bad_request', `${name}: must be JSON`, {}, { cause });
  }
}
