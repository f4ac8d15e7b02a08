import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashDocument, hashPicture, hashText, joinContentHash, NOTHING, splitContentHash } from '../../indexer/vectors/content-hash.js';
import { writeDocument } from '../../indexer/vectors/product-document.js';
import type { EncoderStamp } from '../../mappings/product-index.js';

const stamp = (id: string, preprocessing = 'p'): EncoderStamp => ({ id, dims: 4, normalised: true, preprocessing });

describe('the content hash', () => {
  it('changes with the text, the encoder and its preprocessing, each alone', () => {
    const hashes = [
      hashText('red', stamp('e@1')),
      hashText('reds', stamp('e@1')),
      hashText('red', stamp('e@2')),
      hashText('red', stamp('e@1', 'q')),
      hashText('rede', stamp('@1')),
      hashText(null, stamp('e@1')),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashText(null, stamp('e'))).toBe(NOTHING);
  });

  it('is the same for the same and, over any two different contents, another', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.option(fc.string()), (left, right, group) => {
        expect(hashDocument(left, group) === hashDocument(right, group)).toBe(left === right);
      }),
    );
  });

  it('goes through its joined form unharmed', () => {
    const hash = { document: hashDocument('{}', null), text: hashText('x', stamp('e')), image: hashPicture(Buffer.from('x'), stamp('i')) };
    expect(splitContentHash(joinContentHash(hash))).toEqual(hash);
    expect(splitContentHash('something else')).toBeNull();
  });
});

describe('the stored document', () => {
  const own = { contentHash: 'a.b.c', groupKey: null, textVector: Float32Array.of(0.6, -0.8), imageVector: null };

  it("appends to the shop's text without touching it", () => {
    expect(writeDocument({ id: 'x"y', source: '{"id":"x","n":9007199254740993 }' }, { ...own, groupKey: 'g' })).toBe(
      '{"id":"x","n":9007199254740993,"rank_key":"x\\"y","content_hash":"a.b.c","group_key":"g","text_vector":[0.6,-0.8]}',
    );
  });

  it('is JSON with all members, whatever the product', () => {
    fc.assert(
      fc.property(fc.object({ key: fc.stringMatching(/^[a-z]{1,6}$/) }), fc.constantFrom('', ' '), (fields, space) => {
        const source = JSON.stringify(fields).replace(/}$/, `${space}}`);
        const parsed: unknown = JSON.parse(writeDocument({ id: 'p', source }, own));
        expect(parsed).toMatchObject({ ...(JSON.parse(source) as object), rank_key: 'p', content_hash: 'a.b.c' });
      }),
    );
  });

  it('prints a unit vector within 1e-7', () => {
    const vector = Float32Array.from({ length: 64 }, (_, position) => Math.sin(position) / 8);
    const parsed = JSON.parse(writeDocument({ id: 'p', source: '{}' }, { ...own, imageVector: vector })) as { image_vector: number[] };
    parsed.image_vector.forEach((value, position) => expect(Math.abs(value - (vector[position] ?? NaN))).toBeLessThan(1e-7));
  });
});
