import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepsMember, parseFilterPath } from '../../sidecar/request/filter-path.js';
import { openHouse, type House } from '../house.js';
import { call, type Answer } from './http-rig.js';

const match = { multi_match: { query: 'lamp mug dress', fields: ['title', 'description'] } };
const json = { 'content-type': 'application/json' };
const ndjson = { 'content-type': 'application/x-ndjson' };

let house: House;
let template: string;
beforeAll(async () => {
  house = await openHouse({ products: 120 });
  template = `${house.alias}-template`;
  await house.engine.putScript({
    id: template,
    body: {
      script: {
        lang: 'mustache',
        source: JSON.stringify({ query: wordsTemplate, size: '{{size}}{{^size}}24{{/size}}', from: '{{from}}{{^from}}0{{/from}}' }),
      },
    },
  });
});
afterAll(async () => {
  await house.engine.deleteScript({ id: template });
  await house.close();
});

const wordsTemplate = { multi_match: { query: '{{words}}', fields: ['title', 'description'] } };

type Lines = readonly [header: object | string, body: object | string][];

function linesOf(searches: Lines): string {
  const text = (line: object | string): string => (typeof line === 'string' ? line : JSON.stringify(line));
  return searches.map(([header, body]) => `${text(header)}\n${text(body)}\n`).join('');
}

interface How {
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

const ours = (path: string, body: string | Buffer, how: How = {}): Promise<Answer> =>
  call(house.sidecar.url, path, { method: how.method ?? 'POST', headers: { ...json, ...how.headers }, body });
const engines = (path: string, body: string | Buffer, how: How = {}): Promise<Answer> =>
  call(house.node.url, path, { method: how.method ?? 'POST', headers: { ...json, ...how.headers }, body });

const label = (answer: Answer): string => String(answer.headers['x-fuserank'] ?? '');

/** But for `took` and our own members. */
function plain(text: string): string {
  const own = /,?"(text_vector|image_vector|rank_key|content_hash|group_key)" ?: ?(\[[^\]]*\]|"[^"]*")/g;
  return text.replace(/"took" ?: ?\d+/g, '"took":0').replace(own, '');
}

const hits = z.looseObject({
  hits: z.looseObject({ total: z.unknown().optional(), hits: z.array(z.looseObject({ _id: z.string() })) }).optional(),
  error: z.unknown().optional(),
  status: z.number().optional(),
});
const many = z.object({ took: z.number().optional(), responses: z.array(hits) });
const idsOf = (response: z.output<typeof hits> | undefined): string[] => (response?.hits?.hits ?? []).map(({ _id }) => _id);
const responsesOf = (answer: Answer): z.output<typeof hits>[] => many.parse(JSON.parse(answer.text)).responses;
const answerOf = (answer: Answer): z.output<typeof hits> => hits.parse(JSON.parse(answer.text));

/** The ids a plain `_search` through the sidecar gives. */
async function rankedIds(body: object): Promise<readonly string[]> {
  const answer = await house.search(body);
  expect(answer.label).toMatch(/^applied/);
  return answer.ids;
}

describe('an _msearch', () => {
  const body = { query: match, size: 24 };

  it.each([
    ['application/x-ndjson'],
    ['application/json'],
    ['application/x-ndjson; charset=utf-8'],
    ['application/vnd.opensearch+x-ndjson'],
  ])('labelled %s is ranked search by search, each as a _search of its own', async (type) => {
    const searches: Lines = [
      [{ index: house.alias }, body],
      [
        { index: [house.alias], preference: '_local' },
        { ...body, from: 24 },
      ],
    ];
    const answer = await ours('/_msearch', linesOf(searches), { headers: { 'content-type': type } });
    expect(answer.status).toBe(200);
    expect(label(answer)).toMatch(/^applied; items=2\/2; model=.*; window=\d+$/);
    const [first, second] = responsesOf(answer);
    expect(idsOf(first)).toEqual(await rankedIds(body));
    expect(idsOf(second)).toEqual(await rankedIds({ ...body, from: 24 }));
    expect(first?.status).toBe(200);
    expect(answer.text).not.toMatch(/_vector/);
  });

  it('leaves what it can not rank in its own bytes, beside what it ranks', async () => {
    const searches: Lines = [
      [{ index: house.alias }, { ...body, sort: [{ price: 'asc' }] }],
      [{ index: house.alias }, body],
      [{ index: house.alias }, { query: match, size: 0, aggs: { brands: { terms: { field: 'brand' } } } }],
      [{ index: 'no_such_index_at_all' }, body],
      [{ index: house.alias }, { query: match, size: 3, from: 20_000 }],
    ];
    const [through, direct] = [await ours('/_msearch', linesOf(searches)), await engines('/_msearch', linesOf(searches))];
    expect(label(through)).toMatch(/^applied; items=1\/5; .*; reasons=sort,size_zero,no_profile,engine_error$/);
    const pieces = (answer: Answer): string[] => responsesOf(answer).map((each) => plain(JSON.stringify(each)));
    const [a, b] = [pieces(through), pieces(direct)];
    for (const place of [0, 2, 3, 4]) expect(a[place]).toBe(b[place]);
    expect(idsOf(responsesOf(through)[1])).toEqual(await rankedIds(body));
  });

  it('takes index, header members and the user from wherever they stand', async () => {
    const shopper = { fuserank: { history: [{ object_id: house.entries[3]?.product.id ?? '' }] } };
    const searches: Lines = [
      ['{}', { ...body, ext: shopper }],
      ['  ', { ...body, fuserank: shopper.fuserank, ext: {} }],
      [{ index: `${house.alias},no_such_index_at_all`, ignore_unavailable: true }, body],
      [{ index: 'no_such_index_at_all' }, body],
    ];
    const answer = await ours(`/${house.alias}/_msearch`, linesOf(searches));
    const [first, second, third, fourth] = responsesOf(answer);
    const personal = await rankedIds({ ...body, ext: shopper });
    expect(idsOf(first)).toEqual(personal);
    expect(idsOf(second)).toEqual(personal);
    expect(fourth?.status).toBe(404);
    expect(idsOf(third).length).toBeGreaterThan(0);
    expect(label(answer)).toContain('applied; items=2/4');
  });

  it('finds the other index where a profile covers both and one is not there', async () => {
    const searches: Lines = [[{ index: `${house.alias},${house.alias}-gone`, ignore_unavailable: true }, body]];
    const answer = await ours('/_msearch', linesOf(searches));
    expect(label(answer)).toMatch(/^applied; items=1\/1/);
    expect([...idsOf(responsesOf(answer)[0])].sort()).toEqual([...(await rankedIds(body))].sort());
  });

  it('hears the header twins for every search', async () => {
    const answer = await ours(
      `/${house.alias}/_msearch`,
      linesOf([
        ['{}', body],
        ['{}', body],
      ]),
      { headers: { 'x-fuserank-budget-ms': '0' } },
    );
    expect(label(answer)).toBe('skipped; reason=budget; items=0/2');
    expect(plain(answer.text)).toBe(
      plain(
        (
          await engines(
            `/${house.alias}/_msearch`,
            linesOf([
              ['{}', body],
              ['{}', body],
            ]),
          )
        ).text,
      ),
    );
  });

  it.each<[string, string]>([
    [
      'an unknown query in one of them',
      linesOf([
        ['{}', body],
        ['{}', { query: { no_such_query: {} } }],
      ]),
    ],
    ['a missing last newline', linesOf([['{}', body]]).trimEnd()],
    ['a body over two lines', '{}\n{"size":1,\n"from":1}\n'],
    ['a header member that is none', linesOf([[{ scroll: '1m' }, body]])],
    ['nothing at all', ''],
  ])('that the engine refuses whole goes back whole: %s', async (_, text) => {
    const [through, direct] = [await ours(`/${house.alias}/_msearch`, text), await engines(`/${house.alias}/_msearch`, text)];
    expect(through.status).toBe(direct.status);
    expect(through.status).toBeGreaterThanOrEqual(400);
    expect(through.text).toBe(direct.text);
    expect(label(through)).toMatch(/^skipped/);
  });

  it('with a wrong block of ours is refused, naming the search', async () => {
    const answer = await ours(
      '/_msearch',
      linesOf([
        [{ index: house.alias }, body],
        [{ index: house.alias }, { ...body, ext: { fuserank: { windw: 1 } } }],
      ]),
    );
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('search 2 of 2: ext.fuserank');
  });

  it('keeps lines, numbers and spaces as they are, gzipped or not, also by GET and in ?source=', async () => {
    const text = `{ "index" : "${house.alias}" }\r\n{ "size" : "3", "query":{"match_all":{}} ,"ext":{"fuserank":{"blend":0.5}}}\r\n`;
    const clean = text.replace(',"ext":{"fuserank":{"blend":0.5}}', '');
    const wanted = idsOf(responsesOf(await ours('/_msearch', text))[0]);
    expect(wanted).toHaveLength(3);
    const packed = await ours('/_msearch', gzipSync(text), {
      headers: { 'content-encoding': 'gzip', 'accept-encoding': 'gzip', ...ndjson },
    });
    expect(idsOf(many.parse(JSON.parse(gunzip(packed))).responses[0])).toEqual(wanted);
    expect(idsOf(responsesOf(await ours('/_msearch', text, { method: 'GET' }))[0])).toEqual(wanted);
    const source = `/_msearch?source_content_type=application/json&source=${encodeURIComponent(text)}`;
    expect(idsOf(responsesOf(await call(house.sidecar.url, source))[0])).toEqual(wanted);
    expect((await engines('/_msearch', clean)).status).toBe(200);
  });

  it('grows totals in the form they have, and keeps typed keys', async () => {
    const few = {
      query: { multi_match: { query: 'teapot', fields: ['title'] } },
      size: 100,
      aggs: { brands: { terms: { field: 'brand' } } },
    };
    const answer = await ours(`/${house.alias}/_msearch?rest_total_hits_as_int=true&typed_keys=true`, linesOf([['{}', few]]));
    const [first] = responsesOf(answer);
    expect(first?.hits?.total).toBe(idsOf(first).length);
    expect(idsOf(first).length).toBeGreaterThan(
      idsOf(responsesOf(await engines(`/${house.alias}/_msearch`, linesOf([['{}', few]])))[0]).length,
    );
    expect(answer.text).toContain('"sterms#brands"');
  });

  it('is bounded in what it ranks; the rest keeps the engine’s order', async () => {
    const searches = linesOf(Array.from({ length: 20 }, (): [string, object] => ['{}', { ...body, size: 5 }]));
    const answer = await ours(`/${house.alias}/_msearch?max_concurrent_searches=2`, searches);
    expect(label(answer)).toMatch(/^applied; items=16\/20; .*reasons=too_many_searches$/);
    const direct = responsesOf(await engines(`/${house.alias}/_msearch`, searches));
    expect(responsesOf(answer).slice(16).map(idsOf)).toEqual(direct.slice(16).map(idsOf));
    expect(answer.text).not.toMatch(/_vector/);
  });

  it('by a filter_path that leaves what ranking needs, is ranked, and shows no more than asked', async () => {
    const path = `/${house.alias}/_msearch?filter_path=responses.hits.hits._index,responses.hits.hits._id,responses.*.hits._score`;
    const answer = await ours(path, linesOf([['{}', body]]));
    expect(label(answer)).toMatch(/^applied; items=1\/1/);
    expect(idsOf(responsesOf(answer)[0])).toEqual(await rankedIds(body));
    expect(Object.keys(responsesOf(answer)[0]?.hits?.hits[20] ?? {}).sort()).toEqual(['_id', '_index', '_score']);
    expect(label(await ours(`/${house.alias}/_msearch?filter_path=responses.hits.hits._id`, linesOf([['{}', body]])))).toBe(
      'skipped; reason=filter_path; items=0/1',
    );
  });

  it('under bypass, in YAML or in CBOR, is not touched', async () => {
    const text = linesOf([['{}', body]]);
    const path = `/${house.alias}/_msearch`;
    const bypassed = await ours(path, text, { headers: { 'x-fuserank-bypass': '1' } });
    const took = (answer: Answer): string => answer.text.replace(/"?took"?: ?\d+/g, 'took');
    expect(took(bypassed)).toBe(took(await engines(path, text)));
    expect(label(bypassed)).toBe('skipped; reason=bypass');
    const yaml = await ours(`${path}?format=yaml`, text);
    expect(took(yaml)).toBe(took(await engines(`${path}?format=yaml`, text)));
    expect(label(yaml)).toBe('skipped; reason=format; items=0/1');
    const cbor = await ours(path, text, { headers: { 'content-type': 'application/cbor' } });
    expect(cbor.body).toEqual((await engines(path, text, { headers: { 'content-type': 'application/cbor' } })).body);
    expect(label(cbor)).toBe('skipped; reason=body_not_understood');
  });
});

function gunzip(answer: Answer): string {
  expect(answer.headers['content-encoding']).toBe('gzip');
  return gunzipSync(answer.body).toString('utf8');
}

describe('a template search', () => {
  const rendered = { query: match, size: 24 };
  const params = { words: 'lamp mug dress' };
  const stored = (more: object = {}): string => JSON.stringify({ id: template, params: { ...params, ...more } });
  const path = (): string => `/${house.alias}/_search/template`;

  it.each<[string, () => string]>([
    ['stored', () => stored()],
    ['an object', () => JSON.stringify({ source: { query: wordsTemplate, size: '{{size}}' }, params: { ...params, size: 24 } })],
    [
      'a string',
      () => JSON.stringify({ source: JSON.stringify({ query: wordsTemplate, size: '{{size}}' }), params: { ...params, size: 24 } }),
    ],
  ])('is ranked as the search it renders to: %s', async (_, text) => {
    const answer = await ours(path(), text());
    expect(label(answer)).toMatch(/^applied; model=/);
    expect(idsOf(answerOf(answer))).toEqual(await rankedIds(rendered));
    expect(answer.text.endsWith(',"status":200}')).toBe(true);
    expect(answer.text).not.toMatch(/_vector/);
  });

  it('has pages like any other, by numbers written as strings', async () => {
    const first = await ours(path(), stored({ size: 10 }));
    const second = await ours(path(), stored({ size: 10, from: 10 }));
    expect(label(second)).toContain('list=stored');
    const ids = [...idsOf(answerOf(first)), ...idsOf(answerOf(second))];
    expect(new Set(ids).size).toBe(20);
    expect(ids).toEqual((await rankedIds({ ...rendered, size: 20 })).slice(0, 20));
  });

  it('takes the shopper from beside the template and from headers', async () => {
    const history = [{ object_id: house.entries[3]?.product.id ?? '' }];
    const personal = await rankedIds({ ...rendered, ext: { fuserank: { history } } });
    const block = { id: template, params, fuserank: { history } };
    expect(idsOf(answerOf(await ours(path(), JSON.stringify(block))))).toEqual(personal);
    const ext = { id: template, params, ext: { fuserank: { history } } };
    expect(idsOf(answerOf(await ours(path(), JSON.stringify(ext))))).toEqual(personal);
    expect(label(await ours(path(), stored(), { headers: { 'x-fuserank-budget-ms': '0' } }))).toBe('skipped; reason=budget');
  });

  it('knows what counts beside the template and what counts inside it', async () => {
    const explained = await ours(path(), JSON.stringify({ id: template, params, explain: true }));
    expect(label(explained)).toMatch(/^applied/);
    const { hits: page } = z
      .object({ hits: z.object({ hits: z.array(z.looseObject({ _explanation: z.unknown() })) }) })
      .parse(JSON.parse(explained.text));
    for (const hit of page.hits) expect(hit._explanation).toBeDefined();
    expect(label(await ours(path(), JSON.stringify({ id: template, params, profile: true })))).toBe('skipped; reason=profile');
    // The engine leaves `size` and `sort` of the URL, and a pipeline inside the template, aside.
    expect(idsOf(answerOf(await ours(`${path()}?size=3&sort=price`, stored())))).toEqual(await rankedIds(rendered));
    const inside = { source: { query: wordsTemplate, size: 24, search_pipeline: 'no_such_pipeline' }, params };
    expect(idsOf(answerOf(await ours(path(), JSON.stringify(inside))))).toEqual(await rankedIds(rendered));
  });

  it.each<[string, () => string]>([
    ['an id that is not there', () => JSON.stringify({ id: 'no_such_template', params })],
    ['output that is no JSON', () => JSON.stringify({ source: '{"query": {{words}} }', params })],
    ['output that is no search', () => JSON.stringify({ source: { query: { no_such_query: {} } } })],
    ['a member the engine does not know', () => JSON.stringify({ id: template, params, size: 3 })],
    ['a pipeline that is not there', () => JSON.stringify({ id: template, params, search_pipeline: 'no_such_pipeline' })],
    ['no JSON', () => '{"id"'],
  ])('that the engine refuses is the engine’s own error: %s', async (_, text) => {
    const [through, direct] = [await ours(path(), text()), await engines(path(), text())];
    expect(through.status).toBe(direct.status);
    expect(through.status).toBeGreaterThanOrEqual(400);
    expect(through.text).toBe(direct.text);
    expect(label(through)).toMatch(/^skipped; reason=(engine_error|body_not_understood)$/);
  });

  it('in an _msearch/template is ranked beside its neighbours', async () => {
    const searches: Lines = [
      [{ index: house.alias }, { id: template, params }],
      [{ index: house.alias }, { id: 'no_such_template', params }],
      [{ index: house.alias }, { source: { query: wordsTemplate, size: 0 }, params }],
      [{ index: house.alias }, { source: { query: wordsTemplate, size: '5' }, params, fuserank: { consent: 'none' } }],
      [{ index: 'no_such_index_at_all' }, { id: template, params }],
    ];
    const answer = await ours('/_msearch/template', linesOf(searches), { headers: ndjson });
    expect(label(answer)).toMatch(/^applied; items=2\/5; .*; reasons=engine_error,size_zero,no_profile$/);
    const [first, second, , fourth] = responsesOf(answer);
    expect(idsOf(first)).toEqual(await rankedIds(rendered));
    expect(second?.status).toBe(404);
    expect(idsOf(fourth)).toEqual(await rankedIds({ ...rendered, size: 5 }));
  });
});

describe('a URI search', () => {
  const words = 'lamp mug dress';
  const search = (parameters: Record<string, string>, body = ''): Promise<Answer> =>
    call(
      house.sidecar.url,
      `/${house.alias}/_search?${new URLSearchParams(parameters).toString()}`,
      body === '' ? {} : { method: 'POST', headers: json, body },
    );

  it('is ranked; from and size of the URL win over those of the body, q over its query', async () => {
    const byUrl = await search({ q: words, size: '7' }, JSON.stringify({ size: 3, query: { match_all: {} } }));
    expect(label(byUrl)).toMatch(/^applied/);
    expect(idsOf(answerOf(byUrl))).toHaveLength(7);
    const all = idsOf(answerOf(await search({ q: words, size: '14' })));
    const next = await search({ q: words, from: '7', size: '7' }, JSON.stringify({ from: 3 }));
    expect(idsOf(answerOf(next))).toEqual(all.slice(7));
    expect(all.slice(0, 7)).toEqual(idsOf(answerOf(await search({ q: words, size: '7' }))));
  });

  it('finds by df and default_operator what the engine finds', async () => {
    const parameters = { q: 'brass lamp', df: 'title', default_operator: 'AND', size: '50' };
    const answer = await search(parameters);
    const direct = await call(house.node.url, `/${house.alias}/_search?${new URLSearchParams(parameters).toString()}`);
    expect(label(answer)).toMatch(/^applied/);
    expect(idsOf(answerOf(answer))).toEqual(expect.arrayContaining(idsOf(answerOf(direct))));
  });

  it('with a source is a body, without its type the engine’s own error', async () => {
    const source = JSON.stringify({ query: match, size: 24, ext: { fuserank: { user_id: 'u' } } });
    const answer = await search({ source, source_content_type: 'application/json' });
    expect(idsOf(answerOf(answer))).toEqual(await rankedIds({ query: match, size: 24 }));
    expect((await search({ source })).status).toBe(500);
  });

  it('sorted by score alone is ranked', async () => {
    expect(label(await search({ q: words, sort: '_score' }))).toMatch(/^applied/);
    expect(label(await search({ q: words, sort: 'price:asc' }))).toBe('skipped; reason=sort');
    expect(label(await search({ q: words, sort: '_score' }, JSON.stringify({ sort: ['price'] })))).toBe('skipped; reason=sort');
  });
});

describe('how an answer is asked for', () => {
  const body = JSON.stringify({ query: match, size: 24, aggs: { brands: { terms: { field: 'brand' } } } });

  it.each([
    'hits',
    'took,hits.hits',
    'h*.h*',
    '**.hits',
    '-aggregations',
    '-took,-_shards,-hits.hits._source',
    'hits.hits._i*,hits.hits._score,hits.total',
  ])('filter_path=%s is ranked, and shows no member more', async (filter) => {
    const path = `/${house.alias}/_search?filter_path=${encodeURIComponent(filter)}`;
    const [through, direct] = [await ours(path, body), await engines(path, body)];
    expect(label(through)).toMatch(/^applied/);
    expect(idsOf(answerOf(through))).toEqual(await rankedIds({ query: match, size: 24 }));
    const members = (answer: Answer): unknown => [Object.keys(answerOf(answer)), Object.keys(answerOf(answer).hits ?? {})];
    expect(members(through)).toEqual(members(direct));
    const wanted = Object.keys(answerOf(direct).hits?.hits[0] ?? {});
    for (const hit of answerOf(through).hits?.hits ?? []) expect(Object.keys(hit)).toEqual(wanted);
  });

  it.each(['hits.hits._id', 'took', '-hits.hits._score', '-**._id', 'aggregations', 'hits.total', 'hits.hits._source'])(
    'filter_path=%s hides what ranking needs',
    async (filter) => {
      const path = `/${house.alias}/_search?filter_path=${encodeURIComponent(filter)}`;
      const [through, direct] = [await ours(path, body), await engines(path, body)];
      expect(label(through)).toBe('skipped; reason=filter_path');
      expect(plain(through.text)).toBe(plain(direct.text));
    },
  );

  it('filter_path leaves what we think it leaves', async () => {
    const name = fc.constantFrom('hits', 'hits', 'hits', '_id', '_score', '_index', '_*', '*', '**', 'h*s', '*i*', 'took');
    const path = fc
      .tuple(fc.constantFrom('', '', '-'), fc.array(name, { minLength: 1, maxLength: 4 }))
      .map(([sign, names]) => sign + names.join('.'));
    const members = ['_index', '_id', '_score'];
    const left = z.object({ hits: z.object({ hits: z.array(z.record(z.string(), z.unknown())).default([]) }).optional() });
    const one = JSON.stringify({ query: match, size: 1, _source: false });
    const seen = (text: string): string[] => {
      const [hit] = left.parse(JSON.parse(text)).hits?.hits ?? [];
      return members.filter((member) => hit !== undefined && member in hit);
    };
    for (const paths of fc.sample(fc.array(path, { minLength: 1, maxLength: 3 }), { numRuns: 60, seed: 7 })) {
      const filter = parseFilterPath(paths.join(','));
      const kept = members.filter((member) => filter === null || keepsMember(filter, ['hits', 'hits', member]));
      const direct = await engines(`/${house.alias}/_search?filter_path=${encodeURIComponent(paths.join(','))}`, one);
      expect([paths, seen(direct.text)]).toEqual([paths, kept]);
    }
  });

  it('pretty, it is spaced like the engine’s', async () => {
    const path = `/${house.alias}/_search?pretty`;
    const through = await ours(path, body);
    expect(label(through)).toMatch(/^applied/);
    const { took: _took, ...rest } = z.looseObject({ took: z.number() }).parse(JSON.parse(through.text));
    expect(through.text.replace(/\n {2}"took" : \d+,/, '')).toContain('\n      },\n      {\n');
    expect(JSON.stringify(rest, null, 2).split('\n').length).toBeLessThanOrEqual(through.text.split('\n').length);
  });
});
