import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Router, type Request, type Response } from 'express';
import type { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { arrivingEventSchema, ubiQuerySchema, type UbiEvent, type UbiQuery } from '../../mappings/ubi-event.js';
import { describeFault } from '../request/member-fault.js';
import { HttpError } from './errors.js';
import type { Metrics } from './metrics.js';
import { readBody } from './request-body.js';
import type { TokenGate } from './token-gate.js';

/** Where events go: the store, or a stand-in. */
export interface BehaviourSink {
  record(events: readonly UbiEvent[]): Promise<void>;
  recordQueries(queries: readonly UbiQuery[]): Promise<void>;
}

const BODY_BYTES = 1024 ** 2;
const BATCH = 1000;
const FAULTS_TOLD = 10;
/** What a page may send beside its records: how they are written, whether the shopper agreed, a token, and what traces it. */
const PAGE_HEADERS =
  'content-type, content-encoding, authorization, x-fuserank-consent, x-fuserank-token, x-opaque-id, traceparent, tracestate';
const unzip = promisify(gunzip);

/**
 * `POST /ubi/events` and `POST /ubi/queries`: one record, an array, or NDJSON, under any content type (a beacon sends
 * text/plain). A batch with a bad record is refused whole, with the lines that are wrong, before anything is stored.
 */
export function behaviourRoutes(options: {
  sink: BehaviourSink;
  gate: TokenGate;
  cors: Config['server']['cors'];
  consentDefault: Config['behaviour']['consentDefault'];
  metrics: Metrics;
}): Router {
  const router = Router();
  router.use(['/ubi/events', '/ubi/queries'], (request, response, next) => {
    admitOrigin(request, response, options.cors);
    // A page asks first without its token: browsers send none with a preflight.
    if (request.method === 'OPTIONS') {
      response.status(204).end();
      return;
    }
    options.gate.demand(request, 'events');
    next();
  });
  router.post('/ubi/events', async (request, response) => {
    await take(request, response, 'events', arrivingEventSchema, (events) => options.sink.record(events));
  });
  router.post('/ubi/queries', async (request, response) => {
    await take(request, response, 'queries', ubiQuerySchema, (queries) => options.sink.recordQueries(queries));
  });
  router.all(['/ubi/events', '/ubi/queries'], (request) => {
    throw new HttpError('method_not_allowed', `${request.path} takes POST`, { allow: 'POST, OPTIONS' });
  });

  async function take<T extends z.ZodType>(
    request: Request,
    response: Response,
    kind: 'events' | 'queries',
    schema: T,
    store: (records: z.output<T>[]) => Promise<void>,
  ): Promise<void> {
    let records: z.output<T>[];
    try {
      records = parseRecords(await readText(request), schema);
    } catch (error) {
      options.metrics.observeEvents(kind, 'refused', 1);
      throw error;
    }
    if (readConsent(request, options.consentDefault) === 'none') {
      options.metrics.observeEvents(kind, 'withheld', records.length);
      response.json({ accepted: 0, reason: 'consent withheld' });
      return;
    }
    try {
      await store(records);
    } catch (error) {
      options.metrics.observeEvents(kind, 'failed', records.length);
      throw error;
    }
    options.metrics.observeEvents(kind, 'stored', records.length);
    response.json({ accepted: records.length });
  }
  return router;
}

/** One JSON value, an array of them, or one a line. Throws HttpError `bad_event` that names each bad record by its line. */
export function parseRecords<T extends z.ZodType>(text: string, schema: T): z.output<T>[] {
  const entries = splitRecords(text);
  if (entries.length === 0) throw new HttpError('bad_event', text.trim() === '' ? 'the body is empty' : 'there is nothing in the list');
  if (entries.length > BATCH) throw new HttpError('body_too_large', `${BATCH} records`);
  const faults: string[] = [];
  const records = entries.flatMap(({ where, value, fault }) => {
    if (fault !== undefined) faults.push(`${where}: ${fault}`);
    else {
      const parsed = schema.safeParse(value);
      if (parsed.success) return [parsed.data];
      const told = parsed.error.issues.map((issue) => describeFault(issue, { value, schema }, (path) => path || 'record'));
      faults.push(`${where}: ${told.join(', ')}`);
    }
    return [];
  });
  if (faults.length > 0) {
    const more = faults.length > FAULTS_TOLD ? `; and ${faults.length - FAULTS_TOLD} more` : '';
    throw new HttpError('bad_event', faults.slice(0, FAULTS_TOLD).join('; ') + more);
  }
  return records;
}

interface RecordEntry {
  where: string;
  value?: unknown;
  fault?: string;
}

function splitRecords(text: string): RecordEntry[] {
  const whole = tryJson(text);
  if (whole.fault === undefined) {
    if (Array.isArray(whole.value)) return whole.value.map((value: unknown, position) => ({ where: `record ${position + 1}`, value }));
    return [{ where: 'record 1', value: whole.value }];
  }
  const lines = text
    .split(/\r?\n/)
    .flatMap((line, position) => (line.trim() === '' ? [] : [{ where: `line ${position + 1}`, ...tryJson(line) }]));
  // A single value over several lines, broken somewhere: its own fault says more than one for each line.
  if (lines.length > 1 && lines.every(({ fault }) => fault !== undefined)) return [{ where: 'body', fault: whole.fault }];
  return lines;
}

function tryJson(text: string): { value?: unknown; fault?: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { fault: `not JSON (${error instanceof Error ? error.message.slice(0, 120) : 'unreadable'})` };
  }
}

async function readText(request: Request): Promise<string> {
  const body = await readBody(request, BODY_BYTES);
  if (body.kind === 'stream') throw new HttpError('body_too_large', '1 MB', { connection: 'close' });
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body.bytes.toString('utf8');
  if (encoding !== 'gzip') throw new HttpError('bad_event', `content-encoding ${encoding} is not read here, gzip is`);
  try {
    return (await unzip(body.bytes, { maxOutputLength: BODY_BYTES })).toString('utf8');
  } catch (cause) {
    throw new HttpError('bad_event', 'the body is not gzip, or unpacks to over 1 MB', {}, { cause });
  }
}

function readConsent(request: Request, consentDefault: 'full' | 'none'): 'full' | 'none' {
  // A beacon cannot set headers, so the query string is heard too.
  const said = request.get('x-fuserank-consent') ?? request.query.consent;
  if (said === undefined) return consentDefault;
  if (said === 'full' || said === 'none') return said;
  throw new HttpError('bad_event', 'consent must be full or none');
}

/** Lets pages of the sidecar's own host and of the configured origins send events, and no others. */
function admitOrigin(request: Request, response: Response, allowed: readonly string[]): void {
  const origin = request.get('origin');
  response.vary('Origin');
  if (origin === undefined) return;
  if (!allowed.includes(origin) && !allowed.includes('*')) {
    if (hostOf(origin) === request.get('host')) return;
    throw new HttpError('origin_refused', origin.slice(0, 200));
  }
  response.set({
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': PAGE_HEADERS,
    'access-control-max-age': '600',
  });
  // A beacon always asks to send cookies, and a browser drops it where that is not allowed; to a stranger it never is.
  if (allowed.includes(origin)) response.set('access-control-allow-credentials', 'true');
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
