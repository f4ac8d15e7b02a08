import { z } from 'zod';
import { packageVersion } from '../../config/package-root.js';
import { ubiEventSchema, ubiQuerySchema } from '../../mappings/ubi-event.js';
import { embedAnswer, errorAnswer, pageAnswer, rankAnswer } from '../v1/answers.js';
import { embedRequest, imageSearchRequest, rankRequest, recommendRequest, similarParameters, similarRequest } from '../v1/requests.js';
import { searchBlockSchema } from '../request/search-options.js';

type Schema = Record<string, unknown>;

/** Names under `components.schemas`. */
const REQUESTS = {
  RankRequest: rankRequest,
  SimilarRequest: similarRequest,
  RecommendRequest: recommendRequest,
  ImageSearchRequest: imageSearchRequest,
  EmbedRequest: embedRequest,
  SearchBlock: searchBlockSchema,
  UbiEvent: ubiEventSchema,
  UbiQuery: ubiQuerySchema,
} as const;
const ANSWERS = {
  RankAnswer: rankAnswer,
  PageAnswer: pageAnswer,
  EmbedAnswer: embedAnswer,
  Error: errorAnswer,
  Accepted: z.object({ accepted: z.int(), reason: z.string().optional() }),
  Health: z.object({
    status: z.enum(['ok', 'degraded', 'not ready']),
    draining: z.boolean(),
    checks: z.record(z.string(), z.object({ ok: z.boolean() })),
  }),
  Info: z.looseObject({ name: z.string(), version: z.string() }),
} as const;
type ComponentName = keyof typeof REQUESTS | keyof typeof ANSWERS;

let built: Schema | null = null;

/** The sidecar's routes as OpenAPI 3.1, made of the schemas that check them; built when first asked for. */
export function openApiDocument(): Schema {
  return (built ??= buildDocument());
}

function buildDocument(): Schema {
  const schemas = {
    ...Object.fromEntries(Object.entries(REQUESTS).map(([name, schema]) => [name, jsonSchemaOf(schema, 'input')])),
    ...Object.fromEntries(Object.entries(ANSWERS).map(([name, schema]) => [name, jsonSchemaOf(schema, 'output')])),
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'fuserank',
      version: packageVersion,
      description:
        'A ranking sidecar for OpenSearch. Searches go to OpenSearch with the caller’s own Authorization and cookies; errors of ours and of the engine have one shape.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/_search': searchPath([]),
      '/{index}/_search': searchPath([inPath('index', INDEX)]),
      '/v1/rank': {
        post: operation('rankItems', 'Scores for items that something else found', {
          body: 'RankRequest',
          answer: 'RankAnswer',
          codes: [400, 401, 403, 413, 429, 503],
        }),
      },
      '/v1/similar/{index}/{id}': {
        parameters: [inPath('index', INDEX), inPath('id', 'The product’s _id')],
        get: operation('similarProducts', 'Products like one', {
          parameters: queryParameters(similarParameters),
          answer: 'PageAnswer',
          codes: [400, 401, 403, 404, 429, 503],
        }),
        post: operation('similarProductsFiltered', 'The same, with a filter or a history', {
          body: 'SimilarRequest',
          answer: 'PageAnswer',
          codes: [400, 401, 403, 404, 413, 429, 503],
        }),
      },
      '/v1/recommend/{index}': {
        parameters: [inPath('index', INDEX)],
        post: operation('recommendProducts', 'A page for a shopper without a query', {
          body: 'RecommendRequest',
          answer: 'PageAnswer',
          codes: [400, 401, 403, 404, 413, 429, 503],
        }),
      },
      '/v1/search/{index}/image': {
        parameters: [inPath('index', INDEX)],
        post: operation('searchByPhoto', 'Products that look like a photo', {
          body: 'ImageSearchRequest',
          form: {
            description: 'image is the file; history, filter, fields and numbers are written as JSON',
            type: 'object',
            required: ['image'],
            properties: { image: { type: 'string', contentMediaType: 'application/octet-stream' } },
            additionalProperties: true,
          },
          answer: 'PageAnswer',
          codes: [400, 401, 403, 404, 413, 429, 503],
        }),
      },
      '/v1/embed': {
        post: operation('embed', 'Vectors of the configured encoders', {
          body: 'EmbedRequest',
          answer: 'EmbedAnswer',
          codes: [400, 401, 403, 413, 429, 503],
        }),
      },
      '/ubi/events': ubiPath('storeEvents', 'UBI 1.3 events, known to the shopper’s next search', 'UbiEvent'),
      '/ubi/queries': ubiPath('storeQueries', 'UBI 1.3 queries', 'UbiQuery'),
      '/livez': probePath('isAlive', 'Whether the process runs'),
      '/readyz': probePath('isReady', 'Whether searches are answered'),
      '/startupz': probePath('isStarted', 'Whether it has started'),
      '/health': {
        get: {
          operationId: 'health',
          summary: 'Readiness with its parts',
          responses: { 200: jsonResponse('Ready', ref('Health')), 503: jsonResponse('Not ready', ref('Health')) },
        },
      },
      '/info': { get: operation('info', 'Version, rankers, encoders, profiles', { answer: 'Info', codes: [] }) },
      '/openapi.json': {
        get: { operationId: 'openApi', summary: 'This document', responses: { 200: jsonResponse('OpenAPI 3.1', { type: 'object' }) } },
      },
    },
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'apiKey', in: 'header', name: 'X-Fuserank-Token', description: 'One of server.tokens' },
        bearer: { type: 'http', scheme: 'bearer', description: 'The same as a bearer' },
      },
    },
    // Without tokens in the configuration the routes answer to server.openTo alone.
    security: [{ token: [] }, { bearer: [] }, {}],
  };
}

const INDEX = 'An index, an alias, or several with commas';

const ERROR_WORDS: Readonly<Record<number, string>> = {
  400: 'The request is wrong; the reason says what and how to mend it',
  401: 'OpenSearch refuses the credentials, or a token of ours is missing',
  403: 'OpenSearch refuses the credentials, the token has not the scope, or the page’s origin may not send events',
  404: 'There is no such index or product, or not for these credentials',
  413: 'The body is too large',
  429: 'Too much is under way; try again after Retry-After seconds',
  503: 'OpenSearch or the scorers do not answer',
};

interface OperationParts {
  readonly body?: ComponentName;
  readonly form?: Schema;
  readonly parameters?: Schema[];
  readonly answer: ComponentName;
  readonly codes: readonly number[];
}

function operation(operationId: string, summary: string, parts: OperationParts): Schema {
  const content = {
    ...(parts.body ? { 'application/json': { schema: ref(parts.body) } } : {}),
    ...(parts.form ? { 'multipart/form-data': { schema: parts.form } } : {}),
  };
  return {
    operationId,
    summary,
    ...(parts.parameters ? { parameters: parts.parameters } : {}),
    ...(parts.body ? { requestBody: { required: true, content } } : {}),
    responses: { 200: jsonResponse('Answered', ref(parts.answer)), ...errorResponses(parts.codes) },
  };
}

function errorResponses(codes: readonly number[]): Schema {
  return Object.fromEntries(codes.map((code) => [code, jsonResponse(ERROR_WORDS[code] ?? 'Refused', ref('Error'))]));
}

function searchPath(parameters: Schema[]): Schema {
  const described = (operationId: string, withBody: boolean): Schema => ({
    operationId,
    summary: 'OpenSearch’s search, in a better order',
    description:
      'Body, parameters and answer are OpenSearch’s; ours is the block ext.fuserank of the body and the header X-Fuserank of the answer.',
    ...(withBody ? { requestBody: { content: { 'application/json': { schema: SEARCH_BODY } } } } : {}),
    responses: {
      200: {
        ...jsonResponse('The engine’s answer', { type: 'object' }),
        headers: { 'X-Fuserank': { description: 'applied; model=…; window=…, or skipped; reason=…', schema: { type: 'string' } } },
      },
      default: jsonResponse('The engine’s error, or one of ours', ref('Error')),
    },
  });
  const name = parameters.length === 0 ? 'All' : '';
  return { parameters, get: described(`search${name}ByUrl`, false), post: described(`search${name}`, true) };
}

const SEARCH_BODY: Schema = {
  type: 'object',
  properties: {
    ext: { type: 'object', properties: { fuserank: { $ref: '#/components/schemas/SearchBlock' } }, additionalProperties: true },
  },
  additionalProperties: true,
};

function ubiPath(operationId: string, summary: string, record: ComponentName): Schema {
  const schema = { oneOf: [ref(record), { type: 'array', items: ref(record), maxItems: 1000 }] };
  return {
    post: {
      operationId,
      summary,
      parameters: [
        { name: 'consent', in: 'query', description: 'none stores nothing', schema: { enum: ['full', 'none'] } },
        { name: 'X-Fuserank-Consent', in: 'header', description: 'The same', schema: { enum: ['full', 'none'] } },
      ],
      requestBody: { required: true, content: { 'application/json': { schema }, 'application/x-ndjson': { schema: { type: 'string' } } } },
      responses: { 200: jsonResponse('Stored', ref('Accepted')), ...errorResponses([400, 401, 403, 413, 503]) },
    },
  };
}

function probePath(operationId: string, summary: string): Schema {
  const answer = (description: string): Schema => ({ description, content: { 'text/plain': { schema: { type: 'string' } } } });
  return { get: { operationId, summary, responses: { 200: answer('Yes'), 503: answer('Not yet') } } };
}

function inPath(name: string, description: string): Schema {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

/** Members of a form as parameters of a URL. */
function queryParameters(schema: z.ZodType): Schema[] {
  const { properties, required } = z
    .object({ properties: z.record(z.string(), z.looseObject({})), required: z.array(z.string()).default([]) })
    .parse(jsonSchemaOf(schema, 'input'));
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function jsonResponse(description: string, schema: Schema): Schema {
  return { description, content: { 'application/json': { schema } } };
}

function ref(name: ComponentName): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any', reused: 'inline' });
  return rest;
}
