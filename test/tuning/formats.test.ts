import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertText, readJudgments, readQuerySet, type ReadingRequest } from '../../tuning/convert/conversion.js';
import { ESCI_GAINS } from '../../tuning/formats/judgments/judgment-table.js';
import { JudgmentLookup } from '../../tuning/formats/judgments/judgments.js';
import { deriveQueryId } from '../../tuning/formats/queries/queries.js';

function request(text: string, over: Partial<ReadingRequest> = {}): ReadingRequest {
  return { text, input: 'in', from: 'auto', gains: ESCI_GAINS, version: '0.1.0', now: new Date('2026-01-02T03:04:05Z'), ...over };
}

const writing = { index: 'shop', name: 'ours', documentColumn: 'docid' };

async function convert(text: string, to: string, over: Partial<ReadingRequest> = {}) {
  const { output, report } = await convertText({ ...request(text, over), to, writing });
  return { text: output.join(''), report };
}

/** Grades by query (id, else text) and document. */
async function gradesIn(text: string, over: Partial<ReadingRequest> = {}) {
  const { judgments, report } = await readJudgments(request(text, over));
  const grades = new Map(judgments.queries.map(({ queryId, query, grades: own }) => [queryId ?? query, Object.fromEntries(own)]));
  return { grades, judgments, rejects: report.rejects, notes: report.notes };
}

describe('judgments are read', () => {
  it.each([
    ['query,docid,rating\nred shoes,a,3\nred shoes,b,0.5\n', 'Quepid'],
    ['query,doc_id,rating\r\nred shoes,a,3\r\nred shoes,b,.5\r\n', 'with doc_id and CRLF'],
    ['"Query Text","Doc ID",Rating,note\nred shoes,a,3,"good, cheap"\nred shoes,b,0.5,\n', 'with other headings and columns'],
    [
      '{"name":"x","type":"IMPORT_JUDGMENT","judgmentRatings":[{"query":"red shoes","ratings":[{"docId":"a","rating":"3.0"},{"docId":"b","rating":0.5}]}]}',
      'workbench',
    ],
    [
      '{"hits":{"total":1,"hits":[{"_id":"1","_source":{"judgmentRatings":[{"query":"red shoes","ratings":[{"docId":"a","rating":"3"},{"docId":"b","rating":"0.5"}]}]}}]}}',
      'answer of the workbench',
    ],
  ])('%j (%s)', async (text) => {
    const { grades, rejects } = await gradesIn(text);
    expect(Object.fromEntries(grades)).toEqual({ 'red shoes': { a: 3, b: 0.5 } });
    expect(rejects).toEqual([]);
  });

  it.each([
    ['7 0 a 3\n7 0 b 0.5\n8\t0\tc\t-1\n', { 7: { a: 3, b: 0.5 }, 8: { c: -1 } }],
    ['{"7": {"a": 3, "b": 0.5}, "8": {"c": 0}}', { 7: { a: 3, b: 0.5 }, 8: { c: 0 } }],
    ['query_id,product_id,grade\n7,a,E\n7,b,S\n8,c,I\n', { 7: { a: 1, b: 0.1 }, 8: { c: 0 } }],
    ['example_id,query,query_id,product_id,product_locale,esci_label\n0,red shoes,7,a,us,Complement\n', { 7: { a: 0.01 } }],
    [
      '{"requests":[{"id":"7","template_id":"t","params":{"query_string":"red shoes"},"ratings":[{"_index":"i","_id":"a","rating":3}]}],"metric":{}}',
      { 7: { a: 3 } },
    ],
    ['# qid:7: red shoes\n3 qid:7 1:0.5 # a\n0 qid:7 1:1 #docid = b inc = 1\n', { 7: { a: 3, b: 0 } }],
    ['# qid:1: rambo\n#\n4\tqid:1 #\t7555\tRambo\n', { 1: { 7555: 4 } }],
  ])('%j', async (text, expected) => {
    const { grades, rejects } = await gradesIn(text);
    expect(Object.fromEntries(grades)).toEqual(expected);
    expect(rejects).toEqual([]);
  });

  it('with the line, the text and the reason of what is bad, and the rest of the file', async () => {
    const text = 'query,docid,rating\nlamp,a,1\nlamp,b,good\nlamp,c\n,d,2\nlamp,,2\n"two\nlines",e,1\nlamp,f,\nlamp,g,NaN\nlamp,h,2\n';
    const { grades, rejects } = await gradesIn(text);
    expect(Object.fromEntries(grades)).toEqual({ lamp: { a: 1, h: 2 }, 'two\nlines': { e: 1 } });
    expect(rejects).toEqual([
      { line: 3, at: null, raw: 'lamp,b,good', reason: 'rating "good" is not a number' },
      { line: 4, at: null, raw: 'lamp,c', reason: '2 cells where the first row has 3; quote a cell that holds a comma' },
      { line: 5, at: null, raw: ',d,2', reason: 'no query' },
      { line: 6, at: null, raw: 'lamp,,2', reason: 'no document id' },
      { line: 9, at: null, raw: 'lamp,f,', reason: 'no rating' },
      { line: 10, at: null, raw: 'lamp,g,NaN', reason: 'rating "NaN" is not a number' },
    ]);
  });

  it('once where they repeat, and not at all where they contradict each other', async () => {
    const { grades, rejects, notes } = await gradesIn('1 0 a 1\n1 0 b 2\n1 0 a 1\n1 0 b 0\n1 0 c 1\n');
    expect(Object.fromEntries(grades)).toEqual({ 1: { a: 1, c: 1 } });
    expect(notes).toEqual([{ text: 'a judgment came again with the same grade and counts once', count: 1, line: 3 }]);
    expect(rejects.map(({ line, raw, reason }) => [line, raw, reason])).toEqual([
      [2, '1 0 b 2', 'document "b" has another grade for this query: 0 on line 4; keep one'],
      [4, '1 0 b 0', 'document "b" has another grade for this query: 2 on line 2; keep one'],
    ]);
  });

  it('in JSON with the place of what is bad', async () => {
    const { rejects } = await gradesIn(
      '{"judgmentRatings":[{"query":"lamp","ratings":[{"docId":"a","rating":"1"},{"docId":"b","rating":"?"},{"id":"c"}]},7]}',
    );
    expect(rejects.map(({ at, reason }) => [at, reason])).toEqual([
      ['judgmentRatings[0].ratings[1]', 'rating "?" is not a number'],
      ['judgmentRatings[0].ratings[2]', 'must be {"docId": "…", "rating": "…"}'],
      ['judgmentRatings[1]', 'must be {"query": "…", "ratings": […]}'],
    ]);
  });

  it('without losing what stands behind an open quote, or is called like a part of the language', async () => {
    const { rejects } = await gradesIn('query,docid,rating\nlamp,a,1\n"lamp,b,2\nlamp,c,3\n');
    expect(rejects).toEqual([expect.objectContaining({ line: 3, raw: '"lamp,b,2\nlamp,c,3\n' })]);
    const odd = await convert('{"__proto__":{"a":1,"__proto__":2},"b":{"constructor":1,"c":"1"}}', 'trec', { from: 'ranx-qrels' });
    expect(odd.text).toBe('__proto__ 0 a 1\n__proto__ 0 __proto__ 2\nb 0 constructor 1\n');
    expect(odd.report.rejects).toEqual([{ line: null, at: '"b"', raw: '"c":"1"', reason: 'not a number' }]);
  });

  it.each([
    ['query;docid;rating\nlamp;a;1\n', 'in: columns are separated by ";", not by commas; save it as CSV with commas'],
    ['query\tdocid\trating\nlamp\ta\t1\n', 'in: columns are separated by tabs'],
    ['query,docid,rating\n', 'in: there is nothing in it to be read as quepid'],
    [
      'query,docid,rating\nlamp,a,x\nlamp,b,y\n',
      'nothing of it could be read as quepid; line 2: rating "x" is not a number  | lamp,a,x (and 1 more)',
    ],
    ['{"judgmentRatings":[{"query"', 'in is not JSON: '],
    ['what is this?\n', 'in: not recognised by its content, which begins "what is this?"; fuserank convert --help lists'],
    ['[{"query":"lamp"}]', "in is one JSON array; write one object a line, for example: jq -c '.[]' in"],
    [' \n', 'in is empty'],
  ])('or refused as a whole: %j', async (text, message) => {
    await expect(readJudgments(request(text))).rejects.toMatchObject({ exitCode: 6 });
    await expect(readJudgments(request(text))).rejects.toThrow(message);
  });

  it('and a missing column is named with what is probably meant', async () => {
    await expect(readJudgments(request('query,doc,rating\na,b,1\n', { from: 'quepid' }))).rejects.toThrow(
      'in: no column "docid" (there are: query, doc, rating); rename "doc" to docid',
    );
    await expect(readJudgments(request('{"a":1}', { from: 'srw-judgments' }))).rejects.toThrow('in has no "judgmentRatings"');
    await expect(readJudgments(request('{"a":1}', { from: 'rank-eval' }))).rejects.toThrow('in has no "requests"');
  });
});

describe('queries are read', () => {
  it('as NDJSON, with an id of their content where they have none', async () => {
    const { queries, report } = await readQuerySet(
      request(
        [
          '{"query":"lamp"}',
          '{"query_id":7,"query":"lamp","user_id":"ada","history":[{"object_id":1}],"tags":["head"],"source":"log"}',
          '{"image":"lamp.jpg"}',
          '{"query":" "}',
          '{"query":"lamp"}',
          'lamp',
          '{"query":"x","history":[{"age_s":-1}]}',
        ].join('\n'),
        { tagsFrom: 'source' },
      ),
    );
    expect(queries).toEqual([
      { query_id: deriveQueryId({ query: 'lamp' }), query: 'lamp', tags: [] },
      {
        query_id: '7',
        query: 'lamp',
        user_id: 'ada',
        history: [{ object_id: '1', action_name: 'click', age_s: 0 }],
        tags: ['head', 'log'],
      },
      { query_id: deriveQueryId({ query: null, image: 'lamp.jpg' }), query: null, image: 'lamp.jpg', tags: [] },
    ]);
    expect(report.rejects.map(({ line, reason }) => [line, reason.split(':')[0]])).toEqual([
      [4, 'neither query nor image'],
      [5, 'the same query stands at line 1'],
      [6, 'not a JSON object'],
      [7, 'history.0.object_id'],
    ]);
  });

  it('as CSV and as a query set of the workbench', async () => {
    const table = await readQuerySet(request('query_id,query,source,tags\n1,lamp,log,head|short\n2,,log,\n', { tagsFrom: 'source' }));
    expect(table.queries).toEqual([{ query_id: '1', query: 'lamp', tags: ['head', 'short', 'log'] }]);
    expect(table.report.rejects).toEqual([{ line: 3, at: null, raw: '2,,log,', reason: 'neither query nor image' }]);
    const untagged = await readQuerySet(request('query_id,query,source\n1,lamp,log\n'));
    expect(untagged.report.notes[0]?.text).toBe('"source" is not read; make it a tag with --tags-from source');
    const set = await readQuerySet(request('{"name":"s","querySetQueries":[{"queryText":"lamp"},"mug",3]}'));
    expect(set.queries.map(({ query }) => query)).toEqual(['lamp', 'mug']);
    expect(set.report.rejects[0]?.at).toBe('querySetQueries[2]');
  });

  it('and meet their judgments by id, or by text', async () => {
    const byText = new JudgmentLookup((await gradesIn('query,docid,rating\nlamp,a,1\n')).judgments);
    expect(byText.find({ query_id: 'any', query: 'lamp' })?.get('a')).toBe(1);
    expect(byText.find({ query_id: deriveQueryId({ query: 'lamp' }), query: null })?.get('a')).toBe(1);
    expect(byText.find({ query_id: 'any', query: 'mug' })).toBeNull();
    const byId = new JudgmentLookup((await gradesIn('7 0 a 2\n')).judgments);
    expect(byId.find({ query_id: '7', query: 'lamp' })?.get('a')).toBe(2);
  });
});

describe('runs', () => {
  const trec = '1 Q0 a 1 2.5 bm25\n1 Q0 b 3 0.5 bm25\n1 Q0 c 2 0.5 bm25\n2 Q0 a 1 1e-3 bm25\n';

  it('of TREC are ordered as trec_eval does, and get texts and grades from beside', async () => {
    const { queries } = await readQuerySet(request('query_id,query\n1,lamp\n2,mug\n3,rug\n'));
    const { judgments } = await readJudgments(request('1 0 a 1\n1 0 c 0\n1 0 z 3\n'));
    const { text, report } = await convert(trec, 'run', { queries, judgments });
    const [header, first, , third] = text
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(header).toMatchObject({ fuserank_run: 1, name: 'bm25', depth: 3, configuration: { kind: 'imported' }, judgments: { count: 3 } });
    expect(first).toMatchObject({
      query_id: '1',
      query: 'lamp',
      state: 'ok',
      hits: [
        { id: 'a', score: 2.5, grade: 1 },
        { id: 'c', score: 0.5, grade: 0 },
        { id: 'b', score: 0.5, grade: null },
      ],
      judged: [3, 1, 0],
    });
    expect(third).toMatchObject({ query_id: '3', state: 'zero-results', hits: [] });
    expect(report).toMatchObject({ from: 'trec-run', to: 'run', accepted: 3, rejected: 0 });
    const back = await convert(text, 'trec');
    expect(back.text).toBe('1 Q0 a 1 3 bm25\n1 Q0 c 2 2 bm25\n1 Q0 b 3 1 bm25\n2 Q0 a 1 0.001 bm25\n');
    expect(back.report.notes.map(({ text: note }) => note)).toContainEqual(expect.stringContaining('written as ranks from below'));
  });

  it('of our own are graded anew by other judgments', async () => {
    const own = (await convert(trec, 'run')).text;
    const { judgments } = await readJudgments(request('1 0 b 2\n'));
    const [header, first] = (await convert(own, 'run', { judgments })).text.split('\n').map((line): unknown => JSON.parse(line || 'null'));
    expect(header).toMatchObject({ judgments: { count: 1 } });
    expect(first).toMatchObject({
      hits: [
        { id: 'a', grade: null },
        { id: 'c', grade: null },
        { id: 'b', grade: 2 },
      ],
      judged: [2],
    });
  });

  it('lose no line without a word', async () => {
    const { report } = await convert('1 Q0 a 1 2 t\n1 Q0 a 2 1 t\n1 Q0 b 1 NaN t\n1 Q0 c 1 2\n', 'run');
    expect(report.rejects.map(({ line, reason }) => [line, reason])).toEqual([
      [2, 'document "a" is in the list of query "1" already; a list names it once'],
      [3, 'score "NaN" is not a number'],
      [4, '5 columns; a run has six: query Q0 document rank score tag'],
    ]);
  });
});

describe('rows', () => {
  it('keep names, missing values and texts', async () => {
    const rows = '# feature:1: bm25\n# feature:2: text cosine\n# qid:7: red shoes\n3 qid:7 1:0.5 # a\n0 qid:7 2:-1e-7 # b\n';
    expect((await convert(rows, 'svmrank')).text).toBe(rows);
    const { report } = await convert(
      `${rows}1 qid:7 2:1 1:2 # c\nx qid:7 # d\n1 7 # e\n1 qid:7 1:a # f\n1 qid:7 1:1\n3 qid:7 # a\n`,
      'svmrank',
    );
    expect(report.rejects.map(({ line, reason }) => [line, reason])).toEqual([
      [6, 'feature numbers must rise from 1, and 1 comes after 2'],
      [7, 'grade "x" is not a number'],
      [8, 'the second column must be qid:<number>'],
      [9, '"1:a" is no feature; write number:value'],
      [10, 'no document; write its id behind #'],
      [11, 'document "a" of query 7 stands on line 4'],
    ]);
  });
});

describe('conversions', () => {
  it('refuse what one format cannot take from another, naming the remedy', async () => {
    await expect(convert('1 0 a 1\n', 'run')).rejects.toMatchObject({
      exitCode: 2,
      message: 'in holds judgments (qrels), which cannot become run',
    });
    await expect(convert('1 0 a 1\n', 'quepit')).rejects.toThrow('"quepit" is no format; did you mean quepid?');
    await expect(convert('{"1":{"a":1}}', 'trec')).rejects.toThrow('write --from ranx-qrels or --from ranx-run');
    await expect(convert('1 0 a 1\n', 'trec', { from: 'srw' })).rejects.toThrow('in looks like qrels, not like srw; use --from qrels');
    await expect(convert('1 0 a 1\n2 0 a 1\n', 'quepid')).rejects.toMatchObject({
      exitCode: 6,
      message:
        'in: nothing of it could be written as quepid; the text of this query is not known; give the queries with --queries FILE  | 1 (and 1 more)',
    });
  });

  it('reject what the target cannot hold, and write the rest', async () => {
    expect(await convert('query,docid,rating\nlamp,a b,1\nlamp,c,2\n', 'trec')).toMatchObject({
      text: `${deriveQueryId({ query: 'lamp' })} 0 c 2\n`,
      report: { accepted: 2, written: 1, rejected: 1 },
    });
    expect((await convert('query,docid,rating\nlamp,a,0.5\nlamp,c,2\n', 'rank-eval')).report.rejects[0]?.reason).toBe(
      '_rank_eval takes whole ratings from 0',
    );
    expect((await convert('1 0 a 1\n1 0 b 0.3\n', 'esci')).report.rejects[0]?.reason).toBe(
      'grade 0.3 is the gain of no label; give --gains',
    );
  });

  it('tell every format by its content', async () => {
    const { queries } = await readQuerySet(request('query_id,query\n1,lamp\n'));
    for (const to of [
      'quepid',
      'srw-judgments',
      'qrels',
      'esci',
      'rank-eval',
      'ranx-qrels',
      'queries',
      'queries-csv',
      'srw-queries',
      'svmrank',
    ]) {
      const written = await convert('1 0 a 1\n', to, { queries });
      const back = to === 'ranx-qrels' ? 'ranx-qrels' : 'auto';
      const again = await convert(written.text, to, { from: back, queries });
      expect(again.report.from, to).toBe(to);
      expect(again.text, to).toBe(written.text);
    }
  });
});

/** Ids without blanks, which every format holds, and texts of any kind. */
const ids = fc.stringMatching(/^[A-Za-z0-9_:.-]{1,8}$/);
const texts = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.constantFrom('a,b', '"quoted"', 'two\nlines', "l'été", 'q\u2028r', '#1', '  blank  ', '=1+1', '{"a":1}'),
);
const judged = fc.uniqueArray(
  fc.record({
    id: ids,
    text: texts.filter((text) => text.trim() !== '' && !text.includes('\r')),
    grades: fc.uniqueArray(fc.tuple(ids, fc.constantFrom(0, 1, 2, 3, 4)), { selector: ([id]) => id, minLength: 1, maxLength: 5 }),
  }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 6 },
);

describe('a round trip', () => {
  const sorted = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).toSorted();
  const plain = (queries: readonly { id: string; text: string; grades: [string, number][] }[]) =>
    queries.map(({ id, text, grades }) => [id, text, Object.fromEntries(grades)]);

  it.each(['quepid', 'srw-judgments', 'srw-csv', 'qrels', 'rank-eval', 'ranx-qrels', 'svmrank'])(
    'through %s keeps judgments',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(judged, async (drawn) => {
          const queries = [...new Map(drawn.map((each) => [each.text, each])).values()];
          const known = queries.map(({ id, text }) => ({ query_id: id, query: text, tags: [] }));
          const qrels = queries.flatMap(({ id, grades }) => grades.map(([doc, grade]) => `${id} 0 ${doc} ${grade}\n`)).join('');
          const there = await convert(qrels, format, { from: 'qrels', queries: known });
          expect(there.report.rejects).toEqual([]);
          const { judgments, report } = await readJudgments(request(there.text, { from: format, queries: known })).catch(async () => {
            // Rows become judgments by a conversion.
            const back = await convert(there.text, 'qrels', { from: format });
            return readJudgments(request(back.text, { from: 'qrels', queries: known }));
          });
          expect(report.rejects).toEqual([]);
          const got = judgments.queries.map(({ queryId, query, grades }) => [queryId, query, Object.fromEntries(grades)]);
          expect(sorted(got)).toEqual(sorted(plain(queries)));
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each(['queries', 'queries-csv'])('through %s keeps queries', async (format) => {
    const query = fc.record(
      {
        query_id: ids,
        query: texts.filter((text) => text.trim() !== '' && !text.includes('\r')),
        image: ids,
        user_id: ids,
        session_id: ids,
        history: fc.array(fc.record({ object_id: ids, action_name: fc.constantFrom('click', 'purchase'), age_s: fc.nat() }), {
          minLength: 1,
        }),
        tags: fc.uniqueArray(ids, { minLength: 1 }),
      },
      { requiredKeys: ['query_id', 'query'] },
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(query, { selector: (each) => each.query_id, minLength: 1, maxLength: 6 }), async (queries) => {
        const lines = queries.map((each) => `${JSON.stringify(each)}\n`).join('');
        const { text, report } = await convert(lines, format, { from: 'queries' });
        expect(report.rejects).toEqual([]);
        const back = await readQuerySet(request(text, { from: format }));
        expect(back.report.rejects).toEqual([]);
        expect(back.queries).toEqual(queries.map((each) => ({ ...each, tags: each.tags ?? [] })));
      }),
      { numRuns: 60 },
    );
  });

  it.each(['trec-run', 'ranx-run'])('through %s keeps the order of runs', async (format) => {
    const lists = fc.uniqueArray(fc.tuple(ids, fc.uniqueArray(ids, { minLength: 1, maxLength: 8 }), fc.boolean()), {
      selector: ([id]) => id,
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(lists, async (drawn) => {
        const trec = drawn.flatMap(([id, docs, tied]) =>
          docs.map((doc, place) => `${id} Q0 ${doc} ${place + 1} ${tied ? 1 : -place / 7} t\n`),
        );
        const own = (await convert(trec.join(''), 'run', { from: 'trec-run' })).text;
        const there = await convert(own, format, { from: 'run' });
        const back = await convert(there.text, 'run', { from: format });
        const order = (text: string) =>
          text
            .trim()
            .split('\n')
            .slice(1)
            .map((line) => /"query_id":("[^"]*")/.exec(line)?.[1] + [...line.matchAll(/"id":"([^"]*)"/g)].map(([, id]) => id).join(' '));
        expect(order(back.text).toSorted()).toEqual(order(own).toSorted());
      }),
      { numRuns: 60 },
    );
  });
});
