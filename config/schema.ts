import { z } from 'zod';
import { isAddressRange } from './address-range.js';
import { diversitySchema, exclusionSchema, pinSchema } from './list-rules.js';

/** `5mb`, `512kb`, `20 MB` or a number of bytes → bytes (binary multiples, as OpenSearch counts them). */
const bytes = z.union([z.number().int().positive(), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  const match = /^\s*(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?\s*$/i.exec(value);
  if (!match) {
    context.addIssue(`"${value}" is not a size; write it like 5mb`);
    return z.NEVER;
  }
  const unit = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }[(match[2] ?? 'b').toLowerCase()] ?? 1;
  return Math.round(Number(match[1]) * unit);
});

const port = z.coerce.number().int().min(0).max(65535);
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });

/** What a model may look at; switching a signal off is how an ablation is served. */
const signals = z
  .strictObject({ text: z.boolean().default(true), image: z.boolean().default(true), history: z.boolean().default(true) })
  .prefault({});

/** What a token of ours opens. */
const TOKEN_SCOPES = ['search', 'events', 'privacy', 'admin'] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

const accessToken = z.strictObject({
  /** Names the caller in the audit; never the secret itself. */
  name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1–64 letters, digits, ".", "_" or "-"'),
  /** Best read from a file: `tokenFile`. */
  token: z.string().regex(/^[\x21-\x7e]{16,512}$/, 'must be 16–512 printable characters without spaces; `openssl rand -hex 32` makes one'),
  scopes: z.array(z.enum(TOKEN_SCOPES)).min(1),
});

export const profileSchema = z.strictObject({
  /** Index name, alias or pattern with `*` that this profile applies to. */
  index: z.string().min(1),
  /** `builtin`, `first-phase`, `shuffle`, a ranker that is one column (docs/reference/rankers.md), or the folder of an artefact. */
  ranker: z.string().min(1).default('builtin'),
  window: z.number().int().min(1).max(1000).default(200),
  /** The dial d of s = (1 − d·g)·z_first + d·g·z_model. */
  blend: z.number().min(0).max(1).default(0.75),
  budgetMs: z.number().min(0).default(40),
  retrieval: z
    .strictObject({
      add: z.enum(['vectors', 'none']).default('vectors'),
      maxAdded: z.number().int().min(0).max(500).default(50),
      textK: z.number().int().min(0).max(1000).default(100),
      imageK: z.number().int().min(0).max(1000).default(100),
    })
    .prefault({}),
  signals,
  /** Where a search's body holds the shopper's words, such as `query.bool.must.0.match.title`; null = looked for. */
  queryTextPath: z.string().min(1).max(1000).nullable().default(null),
  scores: z.enum(['rewrite', 'keep']).default('rewrite'),
  /** Put `ext.fuserank` into every ranked answer, not only explained ones. */
  ext: z.boolean().default(false),
  pins: z.array(pinSchema).max(10_000).default([]),
  exclude: z.array(exclusionSchema).max(10_000).default([]),
  diversity: diversitySchema.default(null),
  /** What a search is answered with where ranking fails. There is one way, and it has a name. */
  onFailure: z.literal('engine-order').default('engine-order'),
  /** What a product in stock matches, in Lucene's query syntax: `in_stock:true`, `stock:>0`. Null: nothing is known of stock. */
  inStock: z.string().min(1).nullable().default(null),
});

export const configSchema = z.strictObject({
  version: z.literal(1).default(1),
  server: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: port.default(8080),
      adminPort: port.default(9090),
      maxInflight: z.number().int().min(1).default(256),
      shutdownGraceMs: z.number().int().min(0).default(20_000),
      cors: z.array(z.string()).default([]),
      /** Who may use our own routes; while there is none they answer to `openTo` alone. */
      tokens: z
        .array(accessToken)
        .refine((tokens) => new Set(tokens.map(({ name }) => name)).size === tokens.length, 'two tokens have one name')
        .default([]),
      /** Addresses to which our own routes answer while there are no tokens: a range by name (`loopback`, `private`, `uniqueLocal`, `linkLocal`) or as CIDR. */
      openTo: z
        .array(
          z.string().refine(isAddressRange, 'is neither loopback, private, uniqueLocal, linkLocal nor a CIDR range such as 10.0.0.0/8'),
        )
        .default(['loopback']),
      /** Searches and everything else that goes on to the engine need a token of scope `search`, too. */
      requireToken: z.boolean().default(false),
    })
    .refine(({ requireToken, tokens }) => !requireToken || tokens.some(({ scopes }) => scopes.includes('search')), {
      path: ['requireToken'],
      error: 'needs a token of scope search in server.tokens',
    })
    .prefault({}),
  opensearch: z
    .strictObject({
      nodes: z.array(httpUrl).min(1).default(['http://127.0.0.1:9200']),
      auth: z
        .discriminatedUnion('type', [
          z.strictObject({ type: z.literal('none') }),
          z.strictObject({ type: z.literal('basic'), username: z.string(), password: z.string() }),
          z.strictObject({ type: z.literal('bearer'), token: z.string() }),
          z
            .strictObject({
              type: z.literal('sigv4'),
              region: z.string().min(1),
              /** Amazon OpenSearch Service, or its Serverless. */
              service: z.enum(['es', 'aoss']).default('es'),
              accessKeyId: z.string().min(1).nullable().default(null),
              secretAccessKey: z.string().min(1).nullable().default(null),
              sessionToken: z.string().min(1).nullable().default(null),
              /** JSON file of temporary credentials, read again when it changes; in place of the three above. */
              credentialsFile: z.string().min(1).nullable().default(null),
            })
            .refine(
              ({ credentialsFile, accessKeyId, secretAccessKey, sessionToken }) =>
                credentialsFile === null
                  ? accessKeyId !== null && secretAccessKey !== null
                  : accessKeyId === null && secretAccessKey === null && sessionToken === null,
              'sigv4 needs either accessKeyId and secretAccessKey, or credentialsFile',
            ),
        ])
        .default({ type: 'none' }),
      tls: z.strictObject({ caFile: z.string().nullable().default(null), verify: z.boolean().default(true) }).prefault({}),
      /** Null: the engine's time is the client's business. */
      timeoutMs: z.number().int().positive().nullable().default(null),
    })
    .prefault({}),
  proxy: z.strictObject({ allowWrites: z.boolean().default(false) }).prefault({}),
  encoders: z
    .strictObject({
      text: z
        .strictObject({
          /** `builtin`, or a local folder in Transformers.js layout. */
          path: z.string().default('builtin'),
          queryPrompt: z.string().default(''),
          batch: z.number().int().min(1).max(256).default(32),
        })
        .prefault({}),
      image: z
        .strictObject({
          path: z.string().default('builtin'),
          /** Join a colour histogram to a local encoder's vector; the built-in one always has it. */
          colourHistogram: z.boolean().default(true),
          batch: z.number().int().min(1).max(64).default(8),
        })
        .prefault({}),
    })
    .prefault({}),
  scorer: z
    .strictObject({
      processes: z.union([z.literal('auto'), z.number().int().min(1).max(64)]).default('auto'),
      memory: bytes.default(512 * 1024 ** 2),
    })
    .prefault({}),
  profiles: z.record(z.string().regex(/^[\w.-]+$/), profileSchema).default({}),
  index: z
    .strictObject({
      alias: z.string().default('products'),
      id: z.string().default('id'),
      /** Analyzer of the text fields. */
      language: z.string().default('english'),
      engine: z.enum(['lucene', 'faiss']).default('lucene'),
      map: z
        .strictObject({
          text: z.array(z.string()).default([]),
          image: z.string().nullable().default(null),
          price: z.string().nullable().default(null),
          rating: z.string().nullable().default(null),
          ratingCount: z.string().nullable().default(null),
          brand: z.string().nullable().default(null),
          category: z.string().nullable().default(null),
          group: z.string().nullable().default(null),
          keywords: z.array(z.string()).default([]),
        })
        .prefault({}),
      fetch: z
        .strictObject({
          concurrency: z.number().int().min(1).default(16),
          perHost: z.number().int().min(1).default(4),
          timeoutMs: z.number().int().min(1).default(10_000),
          maxBytes: bytes.default(20 * 1024 ** 2),
          maxPixels: z.number().int().min(1).default(50_000_000),
          allowHosts: z.array(z.string()).default([]),
        })
        .prefault({}),
      bulk: z
        .strictObject({
          bytes: bytes.default(5 * 1024 ** 2),
          docs: z.number().int().min(1).default(500),
          concurrency: z.number().int().min(1).default(2),
          retries: z.number().int().min(0).default(5),
        })
        .prefault({}),
    })
    .prefault({}),
  behaviour: z
    .strictObject({
      events: z.string().default('ubi_events'),
      queries: z.string().default('ubi_queries'),
      /** Who writes down a search that carries `ext.ubi`: the engine's plugin, the sidecar with the order it showed, or each. */
      ubiQueries: z.enum(['passthrough', 'own', 'both']).default('passthrough'),
      /** Index by which the instances of the sidecar tell each other whom to forget. */
      erasures: z.string().default('fuserank_erasures'),
      /** Key of the hashes in it, the same for all instances; null = one made at random and kept in that index. */
      erasureKey: z.string().min(16).nullable().default(null),
      historyLength: z.number().int().min(1).max(50).default(50),
      ttlDays: z.number().int().min(1).default(180),
      /** Whose older documents are deleted: of indices that we made, of whatever `events` and `queries` name, or nobody's. */
      deleteExpired: z.enum(['own', 'all', 'none']).default('own'),
      consentDefault: z.enum(['full', 'none']).default('full'),
      /** Alias of the item statistics that `fuserank statistics` writes and the scorers read. */
      statistics: z.string().default('fuserank_statistics'),
      /** Distinct shoppers in whose histories two products must have met before the pair is told. */
      minUsersPerPair: z.number().int().min(1).default(2),
    })
    .prefault({}),
  ui: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  display: z
    .strictObject({
      title: z.string().default('title'),
      image: z.strictObject({ field: z.string().default('image'), prefix: z.string().default('') }).prefault({}),
      fields: z.array(z.string()).default(['brand', 'price']),
    })
    .prefault({}),
  observability: z
    .strictObject({
      log: z
        .strictObject({
          level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
          format: z.enum(['json', 'pretty']).default('json'),
        })
        .prefault({}),
      hashUserIds: z.boolean().default(true),
      /** Ranked lists with the columns that ranked them, kept to train on. */
      featureLog: z
        .strictObject({
          /** Folder of the log's files; null = none is kept. */
          folder: z.string().nullable().default(null),
          /** Share of the ranked lists that are kept. */
          sample: z.number().min(0).max(1).default(0.01),
        })
        .prefault({}),
      serverTiming: z.boolean().default(false),
    })
    .prefault({}),
});

/** The whole configuration after defaults, `${VAR}`s and overrides; frozen. Units: ms, bytes. */
export type Config = z.output<typeof configSchema>;
/** What a person may write. */
export type ConfigInput = z.input<typeof configSchema>;
export type Profile = Config['profiles'][string];
