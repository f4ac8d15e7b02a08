import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, isJsonObject, type JsonObject } from '../../sidecar/json/value.js';
import { narrowSearch, sendBody } from '../../sidecar/request/post-filter.js';

const refuse = { ids: { values: ['a"b', 'ü'] } };

function bodyOf(text: string): JsonObject {
  const body = text === '' ? {} : parseJson(text);
  if (!isJsonObject(body)) throw new Error('no object');
  return body;
}

describe('a narrower post filter', () => {
  it('is told alike by the parsed body and the bytes, beside everything that the client said', () => {
    const value = fc.jsonValue().map((json) => JSON.stringify(json));
    const names = fc.uniqueArray(fc.constantFrom('query', 'post_filter', 'size', 'aggs', 'é'), { maxLength: 5 });
    fc.assert(
      fc.property(names, fc.array(value, { minLength: 5, maxLength: 5 }), fc.constantFrom('', ' ', '\n\t'), (keys, values, blank) => {
        const text = `${blank}{${blank}${keys.map((key, at) => `${JSON.stringify(key)}:${blank}${values[at] ?? 'null'}`).join(`${blank},`)}}`;
        const own = bodyOf(text);
        const { body, bytes } = narrowSearch({ body: own, bytes: Buffer.from(text) }, { mustNot: [refuse] });
        const read = bodyOf(bytes.toString('utf8'));
        expect(read).toEqual(JSON.parse(JSON.stringify(body)));
        const { post_filter: before, ...rest } = own;
        const { post_filter: after, ...others } = read;
        expect(others).toEqual(rest);
        expect(after).toEqual({ bool: { filter: before === undefined ? [] : [before], must_not: [refuse] } });
      }),
    );
  });

  it('keeps the digits of the client’s own', () => {
    const text = '{"post_filter":{"term":{"n":12345678901234567890}},"size":3}';
    const { bytes } = narrowSearch({ body: bodyOf(text), bytes: Buffer.from(text) }, { filter: [refuse] });
    expect(bytes.toString()).toContain('{"term":{"n":12345678901234567890}}');
    expect(bytes.toString()).toContain('"size":3');
  });

  it('goes up as a body where the client sent none, or one in its address', () => {
    const upstream = {
      method: 'GET',
      path: '/i/_search?source=%7B%7D&source_content_type=x&routing=r',
      headers: {},
      body: Buffer.alloc(0),
    };
    const { bytes } = narrowSearch({ body: {}, bytes: Buffer.alloc(0) }, { mustNot: [refuse] });
    expect(sendBody(upstream, bytes)).toEqual({
      method: 'GET',
      path: '/i/_search?routing=r',
      headers: { 'content-type': 'application/json' },
      body: bytes,
    });
    const packed = { ...upstream, path: '/i/_search', headers: { 'content-encoding': 'gzip', 'content-length': '9', 'x-opaque-id': 'o' } };
    expect(sendBody(packed, bytes).headers).toEqual({ 'content-type': 'application/json', 'x-opaque-id': 'o' });
  });
});
