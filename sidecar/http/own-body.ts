import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Request } from 'express';
import { nestsDeeper } from '../json/spans.js';
import { HttpError } from './errors.js';
import { readBody } from './request-body.js';

/** A body without photos in it. */
export const PLAIN_BYTES = 1024 ** 2;
/** One with photos; of those this much is held at a time. */
export const PHOTO_BYTES = 8 * 1024 ** 2;
const PHOTO_ROOM_BYTES = 64 * 1024 ** 2;
let photoBytesHeld = 0;

const unzip = promisify(gunzip);

/** Reads the body of one of our own routes and hands it to `work`; what is longer than a plain one is held only while there is room. */
export async function withOwnBody<T>(request: Request, limit: number, work: (body: Buffer) => Promise<T>): Promise<T> {
  const announced = Number(request.headers['content-length'] ?? limit);
  const held = announced > PLAIN_BYTES ? Math.min(announced, limit) : 0;
  if (photoBytesHeld + held > PHOTO_ROOM_BYTES) throw new HttpError('photo_room_full', '', { 'retry-after': '1' });
  photoBytesHeld += held;
  try {
    return await work(await readWhole(request, limit));
  } finally {
    photoBytesHeld -= held;
  }
}

async function readWhole(request: Request, limit: number): Promise<Buffer> {
  const body = await readBody(request, limit);
  if (body.kind === 'stream') throw new HttpError('body_too_large', `${limit / 1024 ** 2} MB`, { connection: 'close' });
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body.bytes;
  if (encoding !== 'gzip') throw new HttpError('bad_request', `content-encoding ${encoding.slice(0, 40)} is not read here, gzip is`);
  try {
    return await unzip(body.bytes, { maxOutputLength: limit });
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
