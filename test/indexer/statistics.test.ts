import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeCatalogue, type SampledProduct } from '../../indexer/statistics/catalogue-statistics.js';
import { measureCosineStatistics } from '../../indexer/statistics/cosine-statistics.js';
import { fitHead } from '../../indexer/statistics/head-fitting.js';
import { seedStream } from '../../models/random-stream.js';
import { drawFragment, Reservoir } from '../../indexer/statistics/sample.js';
import type { TextEncoder } from '../../models/text-encoder.js';

const unit = (values: readonly number[]): Float32Array => {
  const length = Math.hypot(...values) || 1;
  return Float32Array.from(values, (value) => value / length);
};
/** Three normal numbers by Box and Muller make a direction that is uniform on the sphere. */
const direction = (random: () => number, dims: number): Float32Array =>
  unit(Array.from({ length: dims }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())));

describe('cosines of random pairs', () => {
  it('have mean 0 and spread 1/√d when directions are uniform', () => {
    const random = seedStream(1);
    const dims = 50;
    const items = Array.from({ length: 400 }, () => ({ text: direction(random, dims), image: direction(random, dims) }));
    const fragments = Array.from({ length: 100 }, (_, source) => ({
      source,
      text: direction(random, dims),
      head: direction(random, dims),
    }));
    for (const statistic of Object.values(measureCosineStatistics(items, fragments, random))) {
      const [mean, spread] = statistic ?? [NaN, NaN];
      expect(Math.abs(mean)).toBeLessThan(0.02);
      expect(spread).toBeCloseTo(1 / Math.sqrt(dims), 2);
    }
  });

  it('are those of all ordered pairs of different items, as a plain double loop has them', () => {
    const random = seedStream(2);
    const items = Array.from({ length: 30 }, () => ({ text: unit([random(), random(), random()]), image: null }));
    const cosines = items.flatMap((left, i) =>
      items.flatMap((right, j) => (i === j ? [] : [left.text.reduce((sum, value, d) => sum + value * (right.text[d] ?? 0), 0)])),
    );
    const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
    const spread = Math.sqrt(cosines.reduce((sum, cosine) => sum + (cosine - mean) ** 2, 0) / cosines.length);
    const [measuredMean, measuredSpread] = measureCosineStatistics(items, [], random)['item_text:item_text'] ?? [NaN, NaN];
    expect(measuredMean).toBeCloseTo(mean, 2);
    expect(measuredSpread).toBeCloseTo(spread, 2);
  });

  it('are null where there is nothing to pair, and never have a spread of 0', () => {
    const random = seedStream(3);
    expect(Object.values(measureCosineStatistics([], [], random))).toEqual([null, null, null, null, null]);
    const same = Array.from({ length: 5 }, () => ({ text: unit([1, 2]), image: null }));
    const statistics = measureCosineStatistics(same, [{ source: 0, text: unit([1, 2]), head: null }], random);
    expect(statistics['item_text:item_text']).toEqual([expect.closeTo(1, 5), 1e-4]);
    expect(statistics['item_image:item_image']).toBeNull();
    expect(statistics['query_head:item_image']).toBeNull();
  });

  it('never pair a fragment with the product that it was cut from', () => {
    const items = [
      { text: unit([1, 0]), image: null },
      { text: unit([0, 1]), image: null },
    ];
    const fragments = [{ source: 0, text: unit([1, 0]), head: null }];
    expect(measureCosineStatistics(items, fragments, seedStream(4))['query_text:item_text']).toEqual([0, 1e-4]);
  });
});

describe('a sample', () => {
  it('is uniform over the stream', () => {
    const random = seedStream(5);
    const hits = Array.from({ length: 20 }, () => 0);
    for (let run = 0; run < 4000; run += 1) {
      const reservoir = new Reservoir<number>(5, random);
      for (let item = 0; item < 20; item += 1) reservoir.offer(item);
      for (const item of reservoir.items) hits[item] = (hits[item] ?? 0) + 1;
    }
    // Each of 20 is kept with p = 1/4: 1000 ± 27 (one standard deviation).
    for (const count of hits) expect(Math.abs(count - 1000)).toBeLessThan(140);
  });

  it('holds everything while there is room', () => {
    const reservoir = new Reservoir<number>(5, seedStream(6));
    for (const item of [1, 2, 3]) reservoir.offer(item);
    expect(reservoir.items).toEqual([1, 2, 3]);
  });

  it('cuts fragments of one to three neighbouring words', () => {
    const random = seedStream(7);
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-zé0-9]{1,6}$/), { maxLength: 6 }), (words) => {
        const fragment = drawFragment(words.join(', '), random);
        if (words.length === 0) expect(fragment).toBeNull();
        else {
          expect(fragment?.split(' ').length).toBeLessThanOrEqual(3);
          expect(words.join(' ')).toContain(fragment);
        }
      }),
    );
  });
});

/** Words with a fixed direction each; a text is the sum of its words: what a head can learn from. */
function wordEncoder(dims: number): TextEncoder {
  const random = seedStream(8);
  const known = new Map<string, Float32Array>();
  const wordVector = (word: string): Float32Array => {
    const vector = known.get(word) ?? direction(random, dims);
    known.set(word, vector);
    return vector;
  };
  const embed = (text: string): Float32Array => {
    const words = text.toLowerCase().split(/\W+/).filter(Boolean);
    return unit(Array.from({ length: dims }, (_, d) => words.reduce((sum, word) => sum + (wordVector(word)[d] ?? 0), 0)));
  };
  return {
    id: 'words@1',
    dims,
    preprocessing: 'none',
    encode: (texts) => Promise.resolve(texts.map(embed)),
    encodeQuery: (text) => Promise.resolve(embed(text)),
    close: () => Promise.resolve(),
  };
}

describe('the picture head of a catalogue', () => {
  const colours = ['red', 'green', 'blue', 'black', 'white', 'pink'];
  const kinds = ['lamp', 'mug', 'boot', 'rug', 'bag'];
  const encoder = wordEncoder(24);
  const stamp = (id: string, dims: number) => ({ id, dims, normalised: true as const, preprocessing: 'none' });
  const stamps = { text: stamp('words@1', 24), image: stamp('looks@1', 16) };

  async function shop(pictureOf: (colour: string, kind: string) => Float32Array): Promise<SampledProduct[]> {
    const random = seedStream(9);
    const products: SampledProduct[] = [];
    for (let count = 0; count < 300; count += 1) {
      const [colour = '', kind = ''] = [colours[Math.floor(random() * 6)], kinds[Math.floor(random() * 5)]];
      const words = `${colour} ${kind} number ${count}`;
      const [text] = await encoder.encode([words]);
      const noise = direction(random, 16);
      const image = unit(Array.from(pictureOf(colour, kind), (value, d) => value + 0.3 * (noise[d] ?? 0)));
      products.push({ words, text: text ?? null, image });
    }
    return products;
  }

  it('is fitted and described where titles say what is seen', async () => {
    const looks = wordEncoder(16);
    const sample = await shop(() => new Float32Array(16));
    for (const product of sample) {
      const [colour = '', kind = ''] = product.words?.split(' ') ?? [];
      const [seen] = await looks.encode([`${colour} ${kind}`]);
      const own = product.image;
      if (seen && own) product.image = unit(Array.from(seen, (value, d) => value + 0.3 * (own[d] ?? 0)));
    }
    const fit = await fitHead(sample, { index: 'shop-v1', encoder, stamps, queryPrompt: '' });
    expect(fit.document).toMatchObject({
      index: 'shop-v1',
      text_encoder: 'words@1',
      image_encoder: 'looks@1',
      text_dims: 24,
      image_dims: 16,
    });
    if (fit.head === null) throw new Error(fit.note);
    const project = fit.head.project.bind(fit.head);
    const query = project(await encoder.encodeQuery('red boot'));
    const [target] = await looks.encode(['red boot']);
    const [other] = await looks.encode(['green lamp']);
    const cosine = (vector: Float32Array | undefined): number => query.reduce((sum, value, d) => sum + value * (vector?.[d] ?? 0), 0);
    expect(cosine(target)).toBeGreaterThan(cosine(other) + 0.3);
    const statistics = await describeCatalogue(sample, { encoder, queryPrompt: '', project, random: seedStream(10) });
    expect(statistics['query_head:item_image']).not.toBeNull();
    expect(statistics['query_text:item_text']).not.toBeNull();
  });

  it('is refused where pictures have nothing to do with titles', async () => {
    const random = seedStream(11);
    const sample = await shop(() => direction(random, 16).map((value) => value * 3));
    const fit = await fitHead(sample, { index: 'shop-v1', encoder, stamps, queryPrompt: '' });
    expect(fit.head).toBeNull();
    expect(fit.note).toMatch(/^none: a held-out title finds its picture/);
  });
});
