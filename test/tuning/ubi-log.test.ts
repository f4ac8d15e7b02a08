import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertText, readJudgments, readQuerySet, type ReadingRequest } from '../../tuning/convert/conversion.js';
import { ImportReport } from '../../tuning/formats/import-report.js';
import { ESCI_GAINS } from '../../tuning/formats/judgments/judgment-table.js';
import { JudgmentLookup } from '../../tuning/formats/judgments/judgments.js';
import { tallyClicks } from '../../tuning/formats/ubi/click-judgments.js';
import { nameSearches } from '../../tuning/formats/ubi/logged-queries.js';
import { readUbiLog } from '../../tuning/formats/ubi/ubi-log.js';

/** One search as a log writes it: its words, what was shown from the top, and what was clicked. */
interface Search {
  readonly id: string;
  readonly words: string;
  readonly shown: readonly string[];
  readonly clicked: readonly string[];
}

const ndjson = (records: readonly object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const queryOf = ({ id, words }: Search) => ({
  query_id: id,
  user_query: words,
  query: '{"match":{}}',
  timestamp: '2026-01-02T03:04:05.000Z',
});
const eventOf = (action: string, queryId: string, item: string, ordinal: number | null = null) => ({
  action_name: action,
  query_id: queryId,
  timestamp: '2026-01-02T03:04:06.000Z',
  event_attributes: {
    object: { object_id: item, object_id_field: 'sku' },
    ...(ordinal === null ? {} : { position: { ordinal } }),
  },
});
const eventsOf = ({ id, shown, clicked }: Search, first = 1) => [
  ...shown.map((item, place) => eventOf('impression', id, item, first + place)),
  ...clicked.map((item) => eventOf('click', id, item)),
];
const logOf = (searches: readonly Search[]): string => ndjson(searches.flatMap((search) => [queryOf(search), ...eventsOf(search)]));

const request = (text: string, over: Partial<ReadingRequest> = {}): ReadingRequest => ({
  ...{ text, input: 'log', from: 'auto', gains: ESCI_GAINS, minImpressions: 1, version: '0.1.0', now: new Date('2026-01-02T03:04:05Z') },
  ...over,
});
const writing = { index: 'shop', name: 'clicks', documentColumn: 'docid' };
async function convert(text: string, to: string, over: Partial<ReadingRequest> = {}) {
  const { output, report } = await convertText({ ...request(text, over), to, writing });
  return { text: output.join(''), report };
}
async function gradesIn(text: string, over: Partial<ReadingRequest> = {}) {
  const { judgments, report } = await readJudgments(request(text, over));
  const grades: Record<string, Record<string, number>> = {};
  for (const { query, grades: own } of judgments.queries) grades[query ?? ''] = Object.fromEntries(own);
  return { grades, rejects: report.rejects, notes: report.notes };
}

const lamp1: Search = { id: '1', words: 'lamp', shown: ['a', 'b'], clicked: ['a'] };
/** At position 1 four searches have 3 clicks, at position 2 one: 3/4 and 1/4 are expected there. */
const lamps: readonly Search[] = [
  lamp1,
  { id: '2', words: 'lamp', shown: ['a', 'b'], clicked: ['a'] },
  { id: '3', words: ' lamp ', shown: ['b', 'a'], clicked: ['b', 'a'] },
  { id: '4', words: 'mug', shown: ['a', 'c'], clicked: [] },
];

describe('clicks over expected clicks', () => {
  it('are what one gets by hand', async () => {
    const { grades, rejects, notes } = await gradesIn(logOf(lamps));
    const thousandths = (grade: number): number => Math.round(grade * 1000) / 1000;
    // a has 3 clicks and stood at 1 twice and at 2 once; b has 1 and stood at 1 once and at 2 twice.
    const lamp = { a: thousandths(3 / (2 * 0.75 + 0.25)), b: thousandths(1 / (0.75 + 2 * 0.25)) };
    expect(grades).toEqual({ lamp, mug: { a: 0, c: 0 } });
    expect(lamp).toEqual({ a: 1.714, b: 0.8 });
    expect(rejects).toEqual([]);
    expect(notes).toEqual([]);
  });

  it('count a search once, however often it tells of a click, and take carts and purchases for clicks', async () => {
    const more = [
      eventOf('click', '1', 'a'),
      eventOf('impression', '1', 'a', 1),
      eventOf('add_to_cart', '2', 'a'),
      eventOf('purchase', '3', 'a'),
    ];
    expect((await gradesIn(logOf(lamps) + ndjson(more))).grades).toEqual((await gradesIn(logOf(lamps))).grades);
    const unclicked = { ...lamp1, clicked: [] };
    const bought = ndjson([queryOf(unclicked), ...eventsOf(unclicked), eventOf('purchase', '1', 'b')]);
    expect((await gradesIn(bought)).grades).toEqual({ lamp: { b: 1 } });
  });

  it('do not depend on whether positions start at 0 or 1, nor on whether events or queries tell what was shown', async () => {
    const expected = (await gradesIn(logOf(lamps))).grades;
    expect((await gradesIn(ndjson(lamps.flatMap((search) => [...eventsOf(search, 0), queryOf(search)])))).grades).toEqual(expected);
    const byQueries = ndjson(
      lamps.flatMap((search) => [
        { ...queryOf(search), query_response_hit_ids: search.shown },
        ...search.clicked.map((item) => eventOf('click', search.id, item)),
      ]),
    );
    expect((await gradesIn(byQueries)).grades).toEqual(expected);
    for (const first of [0, 1]) {
      const mixed = ndjson(
        lamps.flatMap((search, place) => [
          { ...queryOf(search), query_response_hit_ids: search.shown },
          ...eventsOf(place % 2 === 0 ? search : { ...search, shown: [] }, first),
        ]),
      );
      expect((await gradesIn(mixed)).grades).toEqual(expected);
    }
  });

  it('come from events alone, where these say what was typed, and from dumps', async () => {
    const expected = (await gradesIn(logOf(lamps))).grades;
    const events = lamps.flatMap((search) => eventsOf(search).map((event) => ({ ...event, user_query: search.words })));
    expect((await gradesIn(ndjson(events))).grades).toEqual(expected);
    const dumped = lamps.flatMap((search) => [queryOf(search), ...eventsOf(search)]).map((each) => ({ _index: 'ubi', _source: each }));
    expect((await gradesIn(ndjson(dumped))).grades).toEqual(expected);
  });

  it('judge nothing that was shown too seldom, or only where nobody ever clicked, and say so', async () => {
    const { grades, notes } = await gradesIn(logOf(lamps), { minImpressions: 3 });
    expect(grades).toEqual({ lamp: { a: 1.714, b: 0.8 } });
    expect(notes).toEqual([
      { text: 'products that searches for a text showed fewer than 3 times are not judged (--min-impressions)', count: 2, line: null },
    ]);
    await expect(readJudgments(request(logOf(lamps), { minImpressions: 10 }))).rejects.toMatchObject({
      exitCode: 6,
      message:
        'log: there is nothing in it to be read as ubi-judgments; products that searches for a text showed fewer than 10 times are not judged (--min-impressions) (4 times)',
    });
    const deep = await gradesIn(logOf([{ id: '1', words: 'lamp', shown: ['a', 'b'], clicked: ['a'] }]));
    expect(deep.grades).toEqual({ lamp: { a: 1 } });
    expect(deep.notes[0]?.text).toBe('products shown only where nobody ever clicked are not judged');
  });
});

describe('a UBI log', () => {
  it('loses no line without a word', async () => {
    const lines = [
      JSON.stringify(queryOf(lamp1)),
      '{"action_name":"click"',
      '{"a":1}',
      JSON.stringify(eventOf('click', 'elsewhere', 'a', 1)),
      JSON.stringify({
        ...eventOf('impression', '1', 'a'),
        event_attributes: { object: { object_id: 'a' }, position: { ordinal: 'first' } },
      }),
      JSON.stringify({ user_query: 7, query_id: '1' }),
      ...eventsOf(lamp1).map((event) => JSON.stringify(event)),
    ];
    const { grades, rejects } = await gradesIn(`${lines.join('\r\n')}\r\n`);
    expect(grades).toEqual({ lamp: { a: 1 } });
    expect(rejects.map(({ line, reason }) => `${line} ${reason.replace(/: .*/, '')}`)).toEqual([
      '2 neither an event (action_name) nor a query (user_query) of UBI',
      '3 neither an event (action_name) nor a query (user_query) of UBI',
      '4 no line of ubi_queries has its query_id, and it has no user_query',
      '5 event_attributes.position.ordinal',
      '6 user_query',
    ]);
    expect(rejects.map(({ raw }) => raw)).toEqual(lines.slice(1, 6));
  });

  it('tells in notes of what says nothing', async () => {
    const { grades, notes } = await gradesIn(
      logOf([{ id: '1', words: 'lamp', shown: ['a', 'b'], clicked: ['b', 'z'] }]) +
        ndjson([
          { action_name: 'login', timestamp: 1 },
          { ...eventOf('purchase', '1', 'a'), query_id: null },
          eventOf('impression', '1', 'd'),
          { query_id: '9', user_query: ' ' },
          { query_id: '1', user_query: 'desk lamp' },
        ]),
    );
    expect(grades).toEqual({ lamp: { b: 1 } });
    expect(notes.map(({ text }) => text)).toEqual([
      'events that are neither impressions nor clicks say nothing of a list',
      'events without a query_id or an object_id belong to no search',
      'impressions without position.ordinal do not say where a product was shown',
      'searches without words ask for nothing that could be asked again',
      'a query_id comes with several texts; the first is kept',
      'clicks on products that neither impressions with position.ordinal nor query_response_hit_ids show in the list are not counted',
      'products shown only where nobody ever clicked are not judged',
    ]);
  });

  it('becomes a query set, what is searched for most often first', async () => {
    const { queries, report } = await readQuerySet(
      request(
        ndjson([
          ...['mug', 'lamp', ' lamp', '', 'lamp'].map((words, place) => queryOf({ id: String(place), words, shown: [], clicked: [] })),
          { user_query: 'mug' },
          queryOf({ id: '4', words: 'lamp', shown: [], clicked: [] }), // told again: the same search
          eventOf('click', 'unknown', 'a'),
        ]),
      ),
    );
    expect(queries.map(({ query, tags }) => [query, tags])).toEqual([
      ['lamp', ['searches:2-9']],
      ['mug', ['searches:2-9']],
    ]);
    expect(report.rejects).toEqual([]);
    expect([1, 2, 9, 10, 99, 100, 12_345].map(nameSearches)).toEqual(['1', '2-9', '2-9', '10-99', '10-99', '100+', '100+']);
  });

  it('is recognised, becomes what is asked for, and is never written', async () => {
    const log = logOf(lamps);
    const froms = await Promise.all(['trec', 'srw', 'quepid', 'svmrank', 'queries', 'srw-queries'].map((to) => convert(log, to)));
    expect(froms.map(({ report }) => [report.from, report.to])).toEqual([
      ['ubi-judgments', 'qrels'],
      ['ubi-judgments', 'srw-judgments'],
      ['ubi-judgments', 'quepid'],
      ['ubi-judgments', 'svmrank'],
      ['ubi-queries', 'queries'],
      ['ubi-queries', 'srw-queries'],
    ]);
    expect((await convert(log, 'quepid', { from: 'ubi' })).text).toBe('query,docid,rating\nlamp,a,1.714\nlamp,b,0.8\nmug,a,0\nmug,c,0\n');
    await expect(convert('1 0 a 1\n', 'ubi')).rejects.toMatchObject({ exitCode: 2 });
    await expect(convert('1 0 a 1\n', 'ubi-queries')).rejects.toThrow('a UBI log is read, never written');
    await expect(convert(log, 'run')).rejects.toThrow('log holds judgments (ubi-judgments), which cannot become run');
    await expect(convert(log, 'trec', { from: 'srw' })).rejects.toThrow('log looks like ubi, not like srw; use --from ubi');
  });

  it('gives queries and judgments that meet', async () => {
    const { queries } = await readQuerySet(request(logOf(lamps)));
    const { judgments } = await readJudgments(request((await convert(logOf(lamps), 'trec')).text));
    const lookup = new JudgmentLookup(judgments);
    const found = queries.map((query): [string | null, [string, number][]] => [query.query, [...(lookup.find(query) ?? [])]]);
    expect(found).toEqual([
      [
        'lamp',
        [
          ['a', 1.714],
          ['b', 0.8],
        ],
      ],
      [
        'mug',
        [
          ['a', 0],
          ['c', 0],
        ],
      ],
    ]);
  });
});

const items = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const logs = fc
  .array(
    fc.record({
      words: fc.constantFrom('lamp', 'mug', 'red shoes', 'l’été, "q"'),
      shown: fc.uniqueArray(items, { maxLength: 5 }),
      clicked: fc.uniqueArray(items, { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((searches) => searches.map((search, place): Search => ({ id: `s${place}`, ...search })));

describe('over any log', () => {
  it('every grade is its clicks over what its positions expect', () => {
    fc.assert(
      fc.property(logs, (searches) => {
        const report = new ImportReport();
        const tallies = tallyClicks(readUbiLog(logOf(searches), report));
        expect(report.rejects).toEqual([]);
        // Anew from single impressions: who was shown what, where, and whether it was clicked.
        const impressions = searches.flatMap(({ words, shown, clicked }) =>
          shown.map((item, rank) => ({ words, item, rank, click: clicked.includes(item) ? 1 : 0 })),
        );
        const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
        const rate = (rank: number): number => mean(impressions.filter((each) => each.rank === rank).map(({ click }) => click));
        for (const { words, item } of impressions) {
          const own = impressions.filter((each) => each.words === words && each.item === item);
          const tally = tallies.get(words)?.get(item);
          expect(tally?.impressions).toBe(own.length);
          expect(tally?.clicks).toBe(own.reduce((sum, { click }) => sum + click, 0));
          expect(tally?.expected).toBeCloseTo(
            own.reduce((sum, { rank }) => sum + rate(rank), 0),
            9,
          );
        }
        // Over all, as many clicks are expected as there were.
        const all = [...tallies.values()].flatMap((products) => [...products.values()]);
        const sum = (of: (tally: (typeof all)[number]) => number): number => all.reduce((total, tally) => total + of(tally), 0);
        expect(sum(({ expected }) => expected)).toBeCloseTo(
          sum(({ clicks }) => clicks),
          9,
        );
      }),
      { numRuns: 100 },
    );
  });

  it('the order of its lines changes nothing', async () => {
    const shuffled = logs.chain((searches) => {
      const lines = logOf(searches).trimEnd().split('\n');
      return fc.tuple(fc.constant(lines), fc.shuffledSubarray(lines, { minLength: lines.length }));
    });
    await fc.assert(
      fc.asyncProperty(shuffled, async ([lines, other]) => {
        const read = async (log: readonly string[]) => gradesIn(log.join('\n')).then(({ grades }) => grades, String);
        expect(await read(other)).toEqual(await read(lines));
      }),
      { numRuns: 60 },
    );
  });

  it.each(['quepid', 'srw-judgments', 'qrels', 'ranx-qrels', 'svmrank'])('its judgments survive %s', async (format) => {
    await fc.assert(
      fc.asyncProperty(logs, async (searches) => {
        const log = logOf(searches);
        const direct = await readJudgments(request(log)).catch(() => null);
        if (direct === null) return; // nobody clicked
        const { queries } = await readQuerySet(request(log));
        const there = await convert(log, format, { queries });
        expect(there.report.rejects).toEqual([]);
        const back = await convert(there.text, 'quepid', { from: format, queries });
        expect(back.text.trimEnd().split('\n').toSorted()).toEqual((await convert(log, 'quepid')).text.trimEnd().split('\n').toSorted());
      }),
      { numRuns: 40 },
    );
  });
});
