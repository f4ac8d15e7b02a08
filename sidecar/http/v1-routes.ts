import { Router, type ErrorRequestHandler, type Request, type Response } from 'express';
import type { z } from 'zod';
import type { PageAnswer, RankItemsAnswer } from '../v1/answers.js';
import type { OwnCall } from '../v1/client-search.js';
import type { OwnRoutes } from '../v1/own-routes.js';
import { EngineRefused } from '../v1/refusal.js';
import {
  embedRequest,
  imageSearchRequest,
  indexName,
  rankRequest,
  recommendRequest,
  similarParameters,
  similarRequest,
} from '../v1/requests.js';
import { headerText, sendAnswer, watchClient } from './answer.js';
import { describeFault } from '../request/member-fault.js';
import { HttpError } from './errors.js';
import { openApiDocument } from './openapi.js';
import { nameCaller, type TokenGate } from './token-gate.js';
import { ClientGone } from './request-body.js';
import { parseFormBody, parseJsonBody, readOwnBody } from './own-body.js';
import { PHOTO_BYTES, ROOMLESS_BYTES, type PhotoRoom } from './photo-room.js';

/** `/v1/…` and `/openapi.json`: each asks for a token of scope `search`, reads, validates, and hands over to the routes behind it. */
export function v1Routes({ routes, gate, room }: { routes: OwnRoutes; gate: TokenGate; room: PhotoRoom }): Router {
  const router = Router();
  const read = (limit: number) => (request: Request, response: Response) => readOwnBody(request, { response, limit, room });
  const [readPlain, readPhotos] = [read(ROOMLESS_BYTES), read(PHOTO_BYTES)];
  const callOf = (request: Request, response: Response): OwnCall => ({
    headers: request.headers,
    signal: watchClient(request, response),
    caller: nameCaller(request, gate),
    token: gate.callerOf(request),
  });
  router.use('/v1', (request, _response, next) => {
    gate.demand(request, 'search');
    next();
  });
  router.post('/v1/rank', async (request, response) => {
    const asked = check(rankRequest, parseJsonBody(await readPhotos(request, response)));
    sendList(response, await routes.rank(asked, callOf(request, response)));
  });
  router.get('/v1/similar/:index/:id', async (request, response) => {
    const asked = check(similarRequest, check(similarParameters, request.query));
    sendList(response, await routes.similar(indexOf(request), request.params.id, asked, callOf(request, response)));
  });
  router.post('/v1/similar/:index/:id', async (request, response) => {
    const asked = check(similarRequest, parseJsonBody(await readPlain(request, response)));
    sendList(response, await routes.similar(indexOf(request), request.params.id, asked, callOf(request, response)));
  });
  router.post('/v1/recommend/:index', async (request, response) => {
    const asked = check(recommendRequest, parseJsonBody(await readPlain(request, response)));
    sendList(response, await routes.recommend(indexOf(request), asked, callOf(request, response)));
  });
  router.post('/v1/search/:index/image', async (request, response) => {
    const type = request.get('content-type') ?? '';
    const body = await readPhotos(request, response);
    const asked = check(imageSearchRequest, /^multipart\/form-data\b/i.test(type) ? await parseFormBody(body, type) : parseJsonBody(body));
    sendList(response, await routes.searchByPhoto(indexOf(request), asked, callOf(request, response)));
  });
  router.post('/v1/embed', async (request, response) => {
    const asked = check(embedRequest, parseJsonBody(await readPhotos(request, response)));
    response.json(await routes.embed(asked, callOf(request, response)));
  });
  router.get('/openapi.json', (_request, response) => {
    response.json(openApiDocument());
  });
  for (const [path, methods] of Object.entries(METHODS)) {
    router.all(path, (request) => {
      throw new HttpError('method_not_allowed', `${request.path.slice(0, 200)} takes ${methods}`, { allow: methods });
    });
  }
  router.use(passOnEngineErrors);
  return router;
}

const METHODS: Readonly<Record<string, string>> = {
  '/v1/rank': 'POST',
  '/v1/similar/:index/:id': 'GET, HEAD, POST',
  '/v1/recommend/:index': 'POST',
  '/v1/search/:index/image': 'POST',
  '/v1/embed': 'POST',
  '/openapi.json': 'GET, HEAD',
};

/** What OpenSearch says of an index that is not there, or not for this client, goes back in its own words. */
const passOnEngineErrors: ErrorRequestHandler = (thrown: unknown, _request, response, next) => {
  if (thrown instanceof ClientGone) response.destroy();
  else if (thrown instanceof EngineRefused && !response.headersSent) sendAnswer(response, thrown.answer);
  else next(thrown);
};

/** With the header that every search has. */
function sendList(response: Response, answer: RankItemsAnswer | PageAnswer): void {
  const label = answer.applied
    ? `applied; ${answer.model === undefined ? 'list=stored' : `model=${answer.model}`}`
    : `skipped; reason=${answer.reason ?? 'internal'}`;
  response.set('x-fuserank', headerText(label)).json(answer);
}

function indexOf(request: Request): string {
  const { index } = request.params;
  const parsed = indexName.safeParse(index);
  if (!parsed.success) throw new HttpError('bad_request', `index: ${parsed.error.issues[0]?.message ?? 'not understood'}`);
  return parsed.data;
}

/** Throws HttpError `bad_request` with the member at fault. */
function check<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HttpError('bad_request', issue ? describeFault(issue, { value, schema }) : 'not understood');
}
