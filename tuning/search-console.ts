import { z } from 'zod';
import { profileSchema, type Config } from '../config/schema.js';
import { readProductIndexMeta, type ProductFieldRoles } from '../mappings/product-index.js';
import { textSearchBody } from '../mappings/query-templates.js';
import { connectEngine, probeEngine, serviceHeaders } from '../opensearch/connection.js';
import { textFieldsOf, type Sidecar } from '../sidecar/index.js';
import { explainAbsence, type Absence, type SearchFacts } from './absence.js';
import { startOwnSidecar } from './own-sidecar.js';
import { readQueryPicture } from './query-picture.js';

/** A ranked list has at most 1000 hits of the engine, 500 added and 100 pinned ones. */
const MOST_HITS = 1600;

/** Hits of the engine that a ranked one may have come up from: as many as a profile's window usually has. */
const LOOKED_THROUGH = 200;

/** One hit as a person looks at it. */
export interface SeenHit {
  readonly id: string;
  readonly title: string;
  readonly fields: readonly string[];
  readonly explanation: HitExplanation | null;
}

/** Place among the hits of a vector leg, from 0. */
const legPlace = z.looseObject({ rank: z.number().nullable() }).optional();
const explanationSchema = z.looseObject({
  rank: z.number(),
  final: z.number(),
  first_phase: z.looseObject({ rank: z.number().nullable(), score: z.number().nullable(), z: z.number() }),
  shares: z.record(z.string(), z.number()),
  gate: z.number(),
  blend: z.number(),
  text_knn: legPlace,
  image_knn: legPlace,
  history: z.array(z.object({ object_id: z.string().nullable(), weight: z.number() })),
  moved_by: z.looseObject({ rule: z.string(), from: z.number() }).optional(),
  columns: z.array(z.looseObject({ name: z.string(), value: z.number(), share: z.number() })).optional(),
  modalities: z.array(z.looseObject({ name: z.string(), share: z.number() })).optional(),
  without: z.record(z.string(), z.looseObject({ rank: z.number().nullable() })).optional(),
});
export type HitExplanation = z.output<typeof explanationSchema>;

const hitSchema = z.looseObject({
  _id: z.string(),
  _source: z.record(z.string(), z.json()).default({}),
  fields: z.looseObject({ _fuserank: z.array(explanationSchema).optional() }).optional(),
});
const answerSchema = z.looseObject({
  hits: z.looseObject({ total: z.union([z.number(), z.object({ value: z.number() })]).optional(), hits: z.array(hitSchema) }),
  ext: z
    .looseObject({
      fuserank: z
        .looseObject({
          stages: z.record(z.string(), z.number()),
          window: z.number().optional(),
          profile: z.string().optional(),
          rules: z.looseObject({ excluded: z.array(z.string()) }).optional(),
          legs: z.looseObject({ text: z.array(z.string()).optional(), image: z.array(z.string()).optional() }).optional(),
          no_vector_legs: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
});
const TOKEN_WANTED: ReadonlySet<number> = new Set([401, 403]);
const HOW_TO_SHOW_A_TOKEN =
  'this command shows one with FUSERANK_OPENSEARCH_AUTH_TYPE=bearer and FUSERANK_OPENSEARCH_AUTH_TOKEN, or by opensearch.auth of fuserank.yaml';
const errorSchema = z.object({ error: z.union([z.string(), z.looseObject({ reason: z.string() })]) });

/** A hit, and the `X-Fuserank` header of its search, which says why where it was not ranked. */
export interface ExplainedHit extends SeenHit {
  readonly label: string;
}

/** The same search twice: the engine's order, and ours for one shopper. */
export interface SearchComparison {
  readonly engine: readonly SeenHit[];
  /** More of the same order, to tell from how far below a hit came. */
  readonly engineIds: readonly string[];
  readonly ranked: readonly SeenHit[];
  readonly total: number;
  /** The `X-Fuserank` header of the ranked one. */
  readonly label: string;
  readonly stages: Readonly<Record<string, number>>;
}

/** The search was answered with an error; the message is the answer's own. */
export class SearchRefused extends Error {
  override readonly name = 'SearchRefused';
  readonly exitCode = 2;
}

/** A person's way to search: an alias, words or a picture, a shopper. Talks to a sidecar of its own, or to one that runs. */
export class SearchConsole {
  readonly #roles: ProductFieldRoles;
  readonly #config: Config;
  readonly #alias: string;
  readonly #url: string;
  readonly #sidecar: Sidecar | null;

  private constructor(parts: { roles: ProductFieldRoles; config: Config; alias: string; url: string; sidecar: Sidecar | null }) {
    this.#roles = parts.roles;
    this.#config = parts.config;
    this.#alias = parts.alias;
    this.#url = parts.url;
    this.#sidecar = parts.sidecar;
  }

  /**
   * @param options.url a running sidecar; null starts one in this process for the time being
   * @throws EngineUnreachable, SearchRefused where the alias does not exist or the sidecar wants a token
   */
  static async open(options: { config: Config; alias: string; url: string | null }): Promise<SearchConsole> {
    const { config, alias } = options;
    // A sidecar that runs passes reading on: whoever can reach it need not reach the engine.
    const reached = options.url === null ? config : { ...config, opensearch: { ...config.opensearch, nodes: [options.url] } };
    if (options.url !== null) await showToken(options.url, config);
    const roles = await readRoles(reached, alias);
    // A profile of the configuration that fits comes first; the last one takes what none fits.
    const sidecar =
      options.url === null ? await startOwnSidecar(config, { ...config.profiles, console: profileSchema.parse({ index: alias }) }) : null;
    return new SearchConsole({ roles, config, alias, url: options.url ?? sidecar?.url ?? '', sidecar });
  }

  /** @throws SearchRefused where words are asked for and nothing says which fields hold text */
  async compare(query: {
    text: string | null;
    image: string | null;
    user: string | null;
    size: number;
    explain: boolean;
  }): Promise<SearchComparison> {
    const picture = query.image === null ? null : await readQueryPicture(query.image, process.cwd());
    const body: Record<string, unknown> =
      query.text === null ? { query: { match_all: {} }, size: query.size } : this.#textSearch(query.text, query.size);
    const engine = await this.#search({ ...body, size: Math.max(query.size, LOOKED_THROUGH) }, { 'x-fuserank-bypass': 'true' });
    const ext = {
      fuserank: {
        ...(query.user === null ? {} : { user_id: query.user }),
        ...(picture === null ? {} : { query_image: { format: 'base64', value: picture } }),
        explain: query.explain,
        budget_ms: 30_000, // a person waits for item vectors that a shopper would not
      },
    };
    const ranked = await this.#search({ ...body, ext }, {});
    return {
      engine: engine.hits.slice(0, query.size),
      engineIds: engine.hits.map(({ id }) => id),
      ranked: ranked.hits,
      total: ranked.total,
      label: ranked.label,
      stages: ranked.stages,
    };
  }

  /**
   * One product's place in a search: its arithmetic where it is in the ranked list, else why it is absent.
   * @param about.body the shop's own search body; null = the text search that the index was made for
   */
  async explain(about: {
    text: string;
    body: Record<string, unknown> | null;
    id: string;
    user: string | null;
  }): Promise<ExplainedHit | Absence> {
    const { text, id, user } = about;
    const body = about.body ?? this.#textSearch(text, MOST_HITS);
    const fuserank = {
      ...(user === null ? {} : { user_id: user }),
      ...(about.body === null ? {} : { query_text: text }),
      explain: true,
      legs: true,
      budget_ms: 30_000,
    };
    const { title, fields } = this.#config.display;
    const page = { from: 0, size: MOST_HITS, _source: [title, ...this.#roles.text, ...fields] };
    const ranked = await this.#search({ ...body, ...page, ext: { fuserank } }, {});
    const hit = ranked.hits.find((each) => each.id === id);
    // A search that was not ranked has no window to be outside of.
    if (hit && (hit.explanation || ranked.facts.window === null)) return { ...hit, label: ranked.label };
    const words = { given: about.body === null ? null : text, textFields: textFieldsOf({ roles: this.#roles }) };
    return explainAbsence({ index: this.#alias, id, body, words, facts: ranked.facts }, (path, asked) => this.#ask(path, asked));
  }

  /** The text search that the index was made for. */
  #textSearch(text: string, size: number): Record<string, unknown> {
    if (this.#roles.text.length > 0) return textSearchBody(this.#roles, { text, size });
    throw new SearchRefused(
      `nothing says which fields of [${this.#alias}] hold text: name them under index.map.text of fuserank.yaml, or in FUSERANK_INDEX_MAP_TEXT`,
    );
  }

  /** The engine's own answer; null where there is no such thing. */
  async #ask(path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', ...serviceHeaders(this.#config.opensearch), 'x-fuserank-bypass': 'true' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json: unknown = await response.json();
    if (response.status === 404) return null;
    if (response.status !== 200) throw new SearchRefused(reasonOf(json, response));
    return json;
  }

  async close(): Promise<void> {
    await this.#sidecar?.close();
  }

  async #search(
    body: Record<string, unknown>,
    headers: Record<string, string>,
  ): Promise<{ hits: SeenHit[]; total: number; label: string; stages: Record<string, number>; facts: SearchFacts }> {
    const response = await fetch(`${this.#url}/${encodeURIComponent(this.#alias)}/_search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...serviceHeaders(this.#config.opensearch), ...headers },
      body: JSON.stringify(body),
    });
    const json: unknown = await response.json();
    if (response.status !== 200) throw new SearchRefused(reasonOf(json, response));
    const answer = answerSchema.parse(json);
    const total = answer.hits.total;
    const label = response.headers.get('x-fuserank') ?? '';
    return {
      hits: answer.hits.hits.map((hit) => this.#see(hit)),
      total: typeof total === 'object' ? total.value : (total ?? 0),
      label,
      stages: answer.ext?.fuserank?.stages ?? {},
      facts: {
        label,
        window: answer.ext?.fuserank?.window ?? null,
        excluded: answer.ext?.fuserank?.rules?.excluded ?? [],
        exclusions: this.#exclusionsOf(answer.ext?.fuserank?.profile ?? null),
        legs: { ...answer.ext?.fuserank?.legs },
        noVectorLegs: answer.ext?.fuserank?.no_vector_legs ?? null,
      },
    };
  }

  /** The rules of a profile as our configuration has it; a sidecar that runs may have another. */
  #exclusionsOf(profile: string | null): SearchFacts['exclusions'] {
    const rules = profile === null ? undefined : this.#config.profiles[profile]?.exclude;
    return (rules ?? []).map(({ query, ids }, place) => ({
      name: `profiles.${profile}.exclude.${place}${query === undefined ? '' : ` (query "${query}")`}`,
      ids,
    }));
  }

  #see(hit: z.output<typeof hitSchema>): SeenHit {
    const { display } = this.#config;
    const title = hit._source[display.title] ?? hit._source[this.#roles.text[0] ?? ''] ?? hit._id;
    const fields = display.fields.flatMap((field) => {
      const value = hit._source[field];
      return value === null || value === undefined ? [] : [typeof value === 'object' ? JSON.stringify(value) : String(value)];
    });
    return {
      id: hit._id,
      title: typeof title === 'string' ? title : JSON.stringify(title),
      fields,
      explanation: hit.fields?._fuserank?.[0] ?? null,
    };
  }
}

/** A sidecar that wants a token says so in its own words, not as an engine that refuses an account. @throws SearchRefused */
async function showToken(url: string, config: Config): Promise<void> {
  const headers = serviceHeaders(config.opensearch);
  const response = await fetch(url, { headers }).catch(() => null); // who is not there is told of below
  if (response && TOKEN_WANTED.has(response.status)) throw new SearchRefused(reasonOf(await response.json().catch(() => null), response));
}

async function readRoles(config: Config, alias: string): Promise<ProductFieldRoles> {
  const client = connectEngine(config.opensearch);
  try {
    await probeEngine(client);
    const exists = await client.indices.exists({ index: alias });
    if (!exists.body)
      throw new SearchRefused(`there is no index or alias [${alias}]; index a catalogue first: fuserank index … --alias ${alias}`);
    const mappings = Object.values((await client.indices.getMapping({ index: alias })).body);
    const meta = readProductIndexMeta(mappings[0]?.mappings);
    return meta?.roles ?? { id: config.index.id, ...config.index.map };
  } finally {
    await client.close();
  }
}

function reasonOf(json: unknown, { status }: Response): string {
  const parsed = errorSchema.safeParse(json);
  const told = parsed.success ? parsed.data.error : `the search was answered ${status}`;
  const reason = typeof told === 'string' ? told : told.reason;
  return TOKEN_WANTED.has(status) ? `${reason}; ${HOW_TO_SHOW_A_TOKEN}` : reason;
}
