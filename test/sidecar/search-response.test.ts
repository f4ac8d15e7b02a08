import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswer, type EngineAnswer } from '../../sidecar/answer/engine-answer.js';
import { cutOwnMembers, mergePage } from '../../sidecar/search-response.js';

function answerOf(text: string): EngineAnswer {
  const answer = readAnswer(Buffer.from(text));
  if (!answer) throw new Error('no search answer');
  return answer;
}

const NOTHING_KEPT: ReadonlySet<string> = new Set();

/** Engine-like answers: big numbers, odd spacing, highlights, our own members here and there. */
const answers = fc
  .array(
    fc.record({
      id: fc.stringMatching(/^[a-zA-Z0-9_"\\é-]{1,12}$/),
      score: fc.constantFrom('1.0', '12.345678', '0.1', '3.4028235E38'),
      source: fc.dictionary(
        fc.constantFrom('title', 'text_vector', 'price', 'image_vector', 'rank_key'),
        fc.constantFrom('"a"', '[0.1,0.2]', '9007199254740993', '1.0'),
      ),
      highlight: fc.boolean(),
    }),
    { maxLength: 8 },
  )
  .map((hits) => {
    const rendered = hits.map(
      ({ id, score, source, highlight }) =>
        `{"_index":"i","_id":${JSON.stringify(id)},"_score":${score},"_source":{${Object.entries(source)
          .map(([key, value]) => `"${key}" : ${value}`)
          .join(', ')}}${highlight ? ',"highlight":{"title":["<em>x</em>"]}' : ''}}`,
    );
    return `{"took":7,"timed_out":false,"hits":{"total":{"value":${hits.length},"relation":"eq"},"max_score":1.0,"hits":[${rendered.join(',')}]},"aggregations":{"n":{"value":9007199254740993}}}`;
  });

describe('a page merged from spans', () => {
  it('permutes hits and touches nothing else but took, scores and our own members', () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), (text, keys) => {
        const answer = answerOf(text);
        const order = answer.hits.map((hit, place) => ({ hit, key: keys[place] ?? 0 })).sort((a, b) => a.key - b.key);
        const merged = mergePage(
          answer,
          order.map(({ hit }) => ({ bytes: answer.bytes, hit, scoreLiteral: null, explanation: null })),
          { keepFields: NOTHING_KEPT, tookMs: 7, listLength: 0, ext: null },
        );
        const plain = cutOwnMembers(answer, NOTHING_KEPT);
        const before = answerOf(plain.toString());
        const after = answerOf(merged.toString());
        const bytesOf = (each: EngineAnswer): string[] => each.hits.map(({ span }) => each.bytes.toString('utf8', span.start, span.end));
        expect(bytesOf(after).toSorted()).toEqual(bytesOf(before).toSorted());
        const around = (each: EngineAnswer): string =>
          each.bytes.toString('utf8', 0, each.hitsSpan.start) + each.bytes.toString('utf8', each.hitsSpan.end);
        expect(around(after)).toBe(around(before));
        expect(merged.toString()).not.toMatch(/text_vector|image_vector|rank_key/);
      }),
    );
  });

  it('leaves an answer without our members byte for byte', () => {
    const text = '{ "took" : 1, "hits" : { "hits" : [ {"_id":"a","_score":1.0,"_source":{"title":"t", "n":9007199254740993}} ] } }';
    expect(cutOwnMembers(answerOf(text), NOTHING_KEPT).toString()).toBe(text);
  });

  it('keeps our members that the client names', () => {
    const text = '{"hits":{"hits":[{"_id":"a","_score":1.0,"_source":{"rank_key":"a","text_vector":[1]}}]}}';
    expect(cutOwnMembers(answerOf(text), new Set(['rank_key'])).toString()).toBe(text.replace(',"text_vector":[1]', ''));
  });

  it('cuts inside inner hits, too', () => {
    const text =
      '{"hits":{"hits":[{"_id":"a","_score":1.0,"inner_hits":{"v":{"hits":{"total":1,"hits":[{"_id":"b","_source":{"text_vector":[1],"title":"t"}}]}}}}]}}';
    expect(cutOwnMembers(answerOf(text), NOTHING_KEPT).toString()).toBe(text.replace('"text_vector":[1],', ''));
  });

  it('cuts inside top_hits and suggestions, too', () => {
    const text =
      '{"hits":{"hits":[]},"aggregations":{"g":{"buckets":[{"t":{"hits":{"hits":[{"_id":"a","_source":{"title":"t","image_vector":[1]}}]}}}]}},"suggest":{"s":[{"options":[{"_source":{"content_hash":"x","title":"t"}}]}]}}';
    const cut = text.replace(',"image_vector":[1]', '').replace('"content_hash":"x",', '');
    expect(cutOwnMembers(answerOf(text), NOTHING_KEPT).toString()).toBe(cut);
  });

  it('raises a total below the list, appends ext and explanations, deals scores', () => {
    const answer = answerOf(
      '{"took":5,"hits":{"total":{"value":1,"relation":"eq"},"max_score":2.0,"hits":[{"_index":"i","_id":"a","_score":2.0}]}}',
    );
    const [hit] = answer.hits;
    if (!hit) throw new Error('no hit');
    const merged = mergePage(answer, [{ bytes: answer.bytes, hit, scoreLiteral: '1.50', explanation: { rank: 1 } }], {
      keepFields: NOTHING_KEPT,
      tookMs: 12.4,
      listLength: 3,
      ext: { applied: true },
    });
    expect(merged.toString()).toBe(
      '{"took":12,"hits":{"total":{"value":3,"relation":"eq"},"max_score":2.0,"hits":[{"_index":"i","_id":"a","_score":1.50,"fields":{"_fuserank":[{"rank":1}]}}]},"ext":{"fuserank":{"applied":true}}}',
    );
  });

  it.each([
    ['{"value":5,"relation":"gte"}', 9, '{"value":9,"relation":"gte"}'],
    ['{"value":5,"relation":"gte"}', 0, '{"value":5,"relation":"gte"}'],
    ['{"value":10000,"relation":"gte"}', 9, '{"value":10000,"relation":"gte"}'],
    ['5', 9, '9'],
  ])('total %s with a list of %s is %s', (total, listLength, expected) => {
    const answer = answerOf(`{"hits":{"total":${total},"max_score":null,"hits":[]}}`);
    const merged = mergePage(answer, [], { keepFields: NOTHING_KEPT, tookMs: 0, listLength, ext: null });
    expect(merged.toString()).toBe(`{"hits":{"total":${expected},"max_score":null,"hits":[]}}`);
  });
});
