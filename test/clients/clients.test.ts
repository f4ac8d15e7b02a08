import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, errors } from '@opensearch-project/opensearch';
import Searchkit from '@searchkit/api';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { renderPicture } from '../../demo/picture.js';
import { LANDED } from '../compatibility/landed.js';
import { openHouse, type House } from '../house.js';
import { readBlocks, readCurlCommands } from './document-blocks.js';
import { findPythonPackages, type PythonWithPackages } from './python-packages.js';

const run = promisify(execFile);
const POINT_YOUR_STACK = 'docs/how-to/point-your-stack.md';
const written = `clients-${process.pid}`;
const query = { match: { title: 'lamp mug dress' } };
const answerSchema = z.looseObject({ hits: z.looseObject({ hits: z.array(z.looseObject({ _id: z.string() })) }) });
const idsOf = (answer: unknown): string[] => answerSchema.parse(answer).hits.hits.map(({ _id }) => _id);

let house: House;
beforeAll(async () => {
  house = await openHouse({ products: 90, config: { proxy: { allowWrites: true } } });
});
afterAll(() => house.close());

describe('@opensearch-project/opensearch', () => {
  let [client, straight]: [Client | null, Client | null] = [null, null];
  const open = (): { client: Client; straight: Client } => ({
    client: (client ??= new Client({ node: house.sidecar.url })),
    straight: (straight ??= new Client({ node: house.node.url })),
  });
  afterAll(async () => {
    await client?.close();
    await straight?.close();
  });

  test('search: the ranked order, under the header that says so', async () => {
    const answer = await open().client.search({ index: house.alias, body: { query, size: 8 } });
    const { ids } = await house.search({ query, size: 8 });
    expect(answer.headers?.['x-fuserank']).toMatch(/^applied/);
    expect(idsOf(answer.body)).toEqual(ids);
    expect(idsOf(answer.body)).not.toEqual((await house.direct({ query, size: 8 })).ids);
  });

  test('msearch: each item as a search of its own', async () => {
    const body = [{ index: house.alias }, { query, size: 8 }, { index: house.alias }, { query, size: 3, sort: ['price'] }];
    const { responses } = z.looseObject({ responses: z.array(z.unknown()) }).parse((await open().client.msearch({ body })).body);
    const expected = LANDED.multiSearch ? await house.search({ query, size: 8 }) : await house.direct({ query, size: 8 });
    expect(idsOf(responses[0])).toEqual(expected.ids);
    expect(idsOf(responses[1])).toEqual((await house.direct({ query, size: 3, sort: ['price'] })).ids);
  });

  test('helpers.search and helpers.scrollSearch: the engine’s documents, all of them', async () => {
    const shown = await open().client.helpers.search({ index: house.alias, body: { query, size: 5 } });
    expect(shown).toHaveLength(5);
    const read = async (from: Client): Promise<string[]> => {
      const ids: string[] = [];
      for await (const page of from.helpers.scrollSearch({ index: house.alias, body: { query: { match_all: {} }, size: 7 } }))
        ids.push(...idsOf(page.body));
      return ids;
    };
    expect(await read(open().client)).toEqual(await read(open().straight));
  });

  test('helpers.bulk, get and delete, with proxy.allowWrites', async () => {
    const datasource = Array.from({ length: 30 }, (_, place) => ({ id: String(place), title: `mug ${place}` }));
    const report = await open().client.helpers.bulk({
      datasource,
      onDocument: ({ id }) => ({ index: { _index: written, _id: id } }),
      refreshOnCompletion: written,
    });
    expect(report).toMatchObject({ total: 30, successful: 30, failed: 0 });
    const [own, engines] = await Promise.all([open().client, open().straight].map((each) => each.get({ index: written, id: '7' })));
    expect(own?.body).toEqual(engines?.body);
    expect((await open().client.indices.delete({ index: written })).statusCode).toBe(200);
  });

  test('errors come as the client’s own', async () => {
    const failure: unknown = await open()
      .client.search({ index: 'no-such-index-at-all', body: { query } })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(errors.ResponseError);
    expect(failure).toMatchObject({ statusCode: 404, message: expect.stringContaining('index_not_found_exception') as unknown });
  });
});

/** Packages of Python, or a skipped test that says what is missing; a failed one where everything is required. */
async function pythonOr(context: TestContext): Promise<PythonWithPackages> {
  try {
    return await findPythonPackages();
  } catch (error) {
    if (process.env.FUSERANK_REQUIRE_DATA) throw error;
    context.skip(error instanceof Error ? error.message : String(error));
  }
}

describe('opensearch-py', () => {
  test('says of the sidecar what it says of the engine, but for the order', { timeout: 300_000 }, async (context) => {
    const { command, env } = await pythonOr(context);
    const program = join(import.meta.dirname, 'opensearch_py.py');
    const said = z.looseObject({ search: z.array(z.string()), msearch: z.array(z.array(z.string())) });
    const ask = async (url: string) => said.parse(JSON.parse((await run(command, [program, url, house.alias, written], { env })).stdout));
    const straight = await ask(house.node.url);
    const through = await ask(house.sidecar.url);
    const ranked = (await house.search({ query, size: 8 })).ids;
    expect(ranked).not.toEqual(straight.search);
    expect(through.search).toEqual(ranked);
    expect(through.msearch).toEqual([LANDED.multiSearch ? ranked : straight.msearch[0], straight.msearch[1]]);
    // A source shows no field of ours through the sidecar.
    const comparable = ({ search: _search, msearch: _msearch, ...rest }: Record<string, unknown>): unknown =>
      JSON.parse(
        JSON.stringify(rest, (key, value: unknown) => (/^(text_vector|image_vector|rank_key|content_hash)$/.test(key) ? undefined : value)),
      );
    expect(comparable(through)).toEqual(comparable(straight));
  });
});

interface SearchkitClient {
  handleRequest(requests: readonly object[]): Promise<{ results: unknown }>;
}
/** Its types are those of its CommonJS twin. */
const createSearchkit = z.custom<(config: object) => SearchkitClient>((value) => typeof value === 'function').parse(Searchkit);

describe('@searchkit/api', () => {
  const ask = async (host: string) => {
    const client = createSearchkit({
      connection: { host },
      search_settings: {
        search_attributes: ['title', 'description'],
        result_attributes: ['title', 'brand', 'price'],
        highlight_attributes: ['title'],
        facet_attributes: [
          { attribute: 'brand', field: 'brand', type: 'string' },
          { attribute: 'price', field: 'price', type: 'numeric' },
        ],
      },
    });
    const params = { query: 'lamp mug', facets: ['brand', 'price'], hitsPerPage: 20, page: 0 };
    const { results } = await client.handleRequest([
      { indexName: house.alias, params },
      { indexName: house.alias, params: { ...params, facetFilters: [['brand:Sundhaven']], page: 1 } },
    ]);
    return z
      .array(z.looseObject({ nbHits: z.number(), facets: z.unknown(), hits: z.array(z.looseObject({ objectID: z.string() })) }))
      .parse(results);
  };

  test('InstantSearch requests: pages, facets and highlights of the engine, in the ranked order', async () => {
    const [straight, through] = [await ask(house.node.url), await ask(house.sidecar.url)];
    const facetsOf = (results: typeof straight): unknown => results.map(({ facets }) => facets);
    expect(facetsOf(through)).toEqual(facetsOf(straight));
    expect(through[0]?.hits).toHaveLength(20);
    expect(JSON.stringify(through[0]?.hits)).toContain('_highlightResult');
    for (const [place, { nbHits }] of straight.entries()) expect(through[place]?.nbHits).toBeGreaterThanOrEqual(nbHits);
    const order = (results: typeof straight): unknown => results[0]?.hits.map(({ objectID }) => objectID);
    if (LANDED.multiSearch) expect(order(through)).not.toEqual(order(straight));
    else expect(order(through)).toEqual(order(straight));
  });
});

describe('commands that pages show', () => {
  const pages = ['README.md', ...['search', 'http', 'events'].map((name) => `docs/reference/${name}.md`), ...pagesOf('docs/how-to')].filter(
    (page) => page !== POINT_YOUR_STACK,
  );
  const commands = pages.flatMap((page) => readBlocks(page).flatMap((block) => readCurlCommands(block).map((each) => ({ page, ...each }))));

  test.each(commands)('$page: $command', async ({ command, prints }) => {
    const folder = await mkdtemp(join(tmpdir(), 'fuserank-curl-'));
    try {
      await writeFile(join(folder, 'photo.jpg'), await renderPicture(house.entries[3]?.svg ?? ''));
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here(command).replace(/^curl /, 'curl --fail-with-body -s ')], {
        cwd: folder,
      });
      const body = stdout.split('\r\n\r\n').at(-1) ?? ''; // with -i headers come first
      if (prints !== null) expect(body.trim()).toBe(prints);
      else expect(() => JSON.parse(body) as unknown).not.toThrow();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('there are some', () => expect(commands.length).toBeGreaterThanOrEqual(2));
});

describe(POINT_YOUR_STACK, () => {
  const blocks = readBlocks(POINT_YOUR_STACK).filter(({ language }) => ['js', 'python', 'sh'].includes(language));

  test('shows four stacks, each in twelve lines or less', () => {
    expect(blocks.map(({ heading }) => heading)).toEqual(['opensearch-js', 'opensearch-py', 'Searchkit', 'Any HTTP client']);
    for (const { text } of blocks) expect(text.split('\n').length).toBeLessThanOrEqual(12);
  });

  test.for(blocks)('$heading: runs as it stands, and prints titles', { timeout: 300_000 }, async ({ language, text, heading }, context) => {
    const printed = await runBlock(language, here(text), context);
    const titles = printed.trim().split('\n').filter(Boolean);
    expect(titles.length).toBeGreaterThanOrEqual(3);
    const shown = new Set(house.entries.map(({ product }) => product.title));
    for (const title of titles) expect(shown, heading).toContain(title);
  });
});

async function runBlock(language: string, text: string, context: TestContext): Promise<string> {
  if (language === 'js') return (await run(process.execPath, ['--input-type=module', '-e', text], { cwd: packageRoot })).stdout;
  if (language === 'sh') return (await run('bash', ['-euo', 'pipefail', '-c', text])).stdout;
  const { command, env } = await pythonOr(context);
  return (await run(command, ['-c', text], { env })).stdout;
}

/** A page's example over this house: its sidecar, its index. */
function here(text: string): string {
  return text
    .replace(/(http:\/\/)?(localhost|127\.0\.0\.1):8080/g, house.sidecar.url)
    .replaceAll('/products/', `/${house.alias}/`)
    .replaceAll("'products'", `'${house.alias}'`)
    .replaceAll('"products"', `"${house.alias}"`);
}

function pagesOf(folder: string): string[] {
  return readdirSync(join(packageRoot, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}
