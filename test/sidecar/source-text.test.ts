import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceText } from '../../sidecar/json/source-text.js';
import { parseJson, type Json } from '../../sidecar/json/value.js';

const placed = (text: string): { source: SourceText; value: Json } => {
  const source = new SourceText();
  const value = parseJson(text);
  source.place(Buffer.from(text), 0, value);
  return { source, value };
};

describe('a text’s own spelling', () => {
  it('is what its parts are written by, wherever they are put', () => {
    const { source, value } = placed(' { "a" : [ 1.0, {"b":9007199254740993} ], "a2" : {"c" : 1e3} }');
    const { a, a2 } = value as { a: Json[]; a2: Json };
    expect(source.write({ filter: [a[1] ?? null, a2], n: 1 })).toBe('{"filter":[{"b":9007199254740993},{"c" : 1e3}],"n":1}');
    expect(source.write(a)).toBe('[ 1.0, {"b":9007199254740993} ]');
  });

  it('is that of the last member of a name', () => {
    const { source, value } = placed('{"a":{"x":1},"a":{"x":2.0}}');
    expect(source.write([(value as { a: Json }).a])).toBe('[{"x":2.0}]');
  });

  it('is found whatever the text holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const { source, value: parsed } = placed(text);
        expect(parseJson(source.write([parsed]))).toEqual([parsed]);
        if (typeof parsed === 'object' && parsed !== null) expect(source.write(parsed)).toBe(text);
      }),
    );
  });

  it('is found in one walk, however deep it nests', { timeout: 5_000 }, () => {
    const numbers = Array.from({ length: 1_000_000 }, (_, number) => number).join(',');
    const text = `${'['.repeat(190)}${numbers}${']'.repeat(190)}`;
    const started = performance.now();
    const { source, value } = placed(text);
    expect(source.write(value)).toBe(text);
    // 190 walks of it take fifty times as long.
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
