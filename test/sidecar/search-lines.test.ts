import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHeader, readSearchLines } from '../../sidecar/spellings/search-lines.js';

const read = (text: string): [unknown, unknown, string][] | null =>
  readSearchLines(Buffer.from(text))?.map(({ header, body, span }) => [
    header,
    body,
    Buffer.from(text).toString('utf8', span.start, span.end),
  ]) ?? null;

describe('the lines of an _msearch', () => {
  it.each<[string, string, number | null]>([
    ['a pair', '{}\n{}\n', 1],
    ['two pairs, ended as Windows does', '{"index":"a"}\r\n{}\r\n{}\r\n{}\r\n', 2],
    ['an empty header line', '{}\n{}\n\n{}\n', 2],
    ['an empty line at the very start, which is skipped', '\n{}\n{}\n', 1],
    ['a header of spaces', '  \n{}\n', 1],
    ['a last header without a body', '{}\n{}\n{}\n', 1],
    ['a last empty line', '{}\n{}\n\n', 1],
    ['no newline at the end', '{}\n{}', null],
    ['an empty body line', '{}\n\n', null],
    ['a body over two lines', '{}\n{"size":\n1}\n', null],
    ['a body that is no object', '{}\n[]\n', null],
    ['nothing', '', null],
  ])('%s', (_, text, count) => {
    expect(read(text)?.length ?? null).toBe(count);
  });

  it('are found where they stand, whatever is in them', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(fc.tuple(object, object), { minLength: 1, maxLength: 5 }), (pairs) => {
        const text = pairs.map(([header, body]) => `${JSON.stringify(header)}\n${JSON.stringify(body)}\n`).join('');
        const lines = read(text);
        expect(lines?.map(([, , line]) => line)).toEqual(pairs.map(([, body]) => JSON.stringify(body)));
      }),
    );
  });
});

describe('a header line', () => {
  const call = { index: 'url', query: new URLSearchParams('routing=u&typed_keys=true&max_concurrent_searches=2&filter_path=x') };
  const asked = (header: Parameters<typeof readHeader>[0]): [string, string] => {
    const { index, query } = readHeader(header, call);
    return [index, query.toString()];
  };

  it('says what the URL of a _search would say, and wins over the call’s', () => {
    expect(asked({})).toEqual(['url', 'routing=u&typed_keys=true']);
    expect(asked({ index: 'a,b' })[0]).toBe('a,b');
    expect(asked({ index: ['a', 'b*'] })[0]).toBe('a,b*');
    expect(asked({ indices: ['a'] })[0]).toBe('a');
    expect(asked({ routing: 7, ignoreUnavailable: true, expand_wildcards: ['open', 'closed'], preference: '_local' })[1]).toBe(
      'routing=7&typed_keys=true&ignore_unavailable=true&expand_wildcards=open%2Cclosed&preference=_local',
    );
    expect(asked({ constructor: 'x', search_type: null })[1]).toBe('routing=u&typed_keys=true');
  });
});
