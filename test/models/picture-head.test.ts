import fc from 'fast-check';
import { inverse, Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { cutFragments, decodePictureHead, encodePictureHead, fitPictureHead, type PictureHead } from '../../models/picture-head.js';
import { PictureMoments } from '../../models/picture-moments.js';

/** A shop in which pictures are a noisy turn of the titles, so that there is something to find. */
function imagineShop(options: { items: number; textDims: number; imageDims: number; noise: number; seed: number }) {
  const draw = drawNormals(options.seed);
  const turn = Array.from({ length: options.imageDims }, () => Array.from({ length: options.textDims }, draw));
  const texts: Float32Array[] = [];
  const pictures: Float32Array[] = [];
  for (let i = 0; i < options.items; i++) {
    const text = toUnit(Array.from({ length: options.textDims }, (_, d) => draw() + (d === 0 ? 2 : 0)));
    const seen = turn.map((row) => row.reduce((sum, weight, t) => sum + weight * (text[t] ?? 0), 1) + options.noise * draw());
    texts.push(text);
    pictures.push(toUnit(seen));
  }
  return { texts, pictures };
}

/** Mulberry32 and Box–Muller. */
function drawNormals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32 + 1e-12;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function toUnit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}

function expectHead(fit: ReturnType<typeof fitPictureHead>): PictureHead {
  if ('refusal' in fit) throw new Error(fit.refusal);
  return fit;
}

/** The formula as it is written: (Cᴛᴛ + s)⁻¹ Cᴛᴘ (Cᴘᴘ + r)⁻¹ of weighed, centred rows, and the offset below it. */
function deriveMap(items: readonly { texts: Float32Array[]; picture: Float32Array }[]): number[] {
  const pairs = items.flatMap(({ texts, picture }) =>
    texts.map((text, i) => ({ text, picture, weight: texts.length === 1 ? 1 : i === 0 ? 0.8 : 0.2 / (texts.length - 1) })),
  );
  const weights = pairs.map(({ weight }) => weight);
  const centre = (rows: Matrix): { mean: Matrix; centred: Matrix } => {
    const mean = Matrix.rowVector(weights).mmul(rows).div(items.length);
    return { mean, centred: rows.clone().subRowVector(mean) };
  };
  const text = centre(new Matrix(pairs.map((pair) => pair.text)));
  const picture = centre(new Matrix(pairs.map((pair) => pair.picture)));
  const covariance = (a: Matrix, b: Matrix): Matrix => a.transpose().mmul(b.clone().mulColumnVector(weights)).div(items.length);
  const penalised = (c: Matrix, share: number): Matrix => c.add(Matrix.eye(c.rows).mul((share * c.trace()) / c.rows + 1e-12));
  const map = inverse(penalised(covariance(text.centred, text.centred), 0.3))
    .mmul(covariance(text.centred, picture.centred))
    .mmul(inverse(penalised(covariance(picture.centred, picture.centred), 3)));
  return [...map.to1DArray(), ...text.mean.mmul(map).mul(-1).to1DArray()];
}

describe('PictureMoments', () => {
  it('solves the formula as it is written, by plain matrices, whatever the number of items', () => {
    fc.assert(
      fc.property(
        // Also more items than are summed at once.
        fc.oneof(fc.integer({ min: 3, max: 10 }), fc.integer({ min: 250, max: 270 })),
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 2, max: 6 }),
        fc.integer(),
        (items, textDims, imageDims, seed) => {
          const { texts, pictures } = imagineShop({ items: items * 3, textDims, imageDims, noise: 0.5, seed });
          // One to three texts an item.
          const shop = pictures
            .slice(0, items)
            .map((picture, i) => ({ picture, texts: texts.slice(3 * i, 3 * i + 1 + ((i + Math.abs(seed % 3)) % 3)) }));
          const moments = new PictureMoments(textDims, imageDims);
          for (const item of shop) moments.add(item);

          const expected = deriveMap(shop);
          const scale = Math.max(1e-3, ...expected.map(Math.abs));
          const solved = moments.solve();
          expect(solved).toHaveLength(expected.length);
          solved.forEach((value, i) => expect(Math.abs(value - (expected[i] ?? 0)) / scale).toBeLessThan(1e-6));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('weighs an item once, however many short texts it has', () => {
    const { texts, pictures } = imagineShop({ items: 20, textDims: 4, imageDims: 5, noise: 0.2, seed: 3 });
    const solve = (copies: number): Float32Array => {
      const moments = new PictureMoments(4, 5);
      texts.forEach((text, i) => moments.add({ texts: Array.from({ length: copies }, () => text), picture: pictures[i] ?? text }));
      return moments.solve();
    };
    const once = solve(1);
    solve(7).forEach((value, i) => expect(value).toBeCloseTo(once[i] ?? 0, 4));
  });
});

describe('fitPictureHead', () => {
  const shop = imagineShop({ items: 300, textDims: 12, imageDims: 16, noise: 0.4, seed: 11 });

  it('finds the pictures of titles it has not seen', () => {
    const head = expectHead(fitPictureHead(shop));
    expect(head.quality.heldOut).toBe(100);
    expect(head.quality.recallAt10).toBeGreaterThan(0.6);
    expect(head.quality.recallAt10Low).toBeLessThanOrEqual(head.quality.recallAt10);
    expect(head.quality.chance).toBeCloseTo(0.1);
  });

  it('projects to unit vectors of the picture space', () => {
    const head = expectHead(fitPictureHead(shop));
    for (const text of shop.texts.slice(0, 20)) {
      const projected = head.project(text);
      expect(projected).toHaveLength(16);
      expect(Math.hypot(...projected)).toBeCloseTo(1, 5);
    }
  });

  it('ranks the same whether the pictures are centred or not', () => {
    // Only the map is centred: what all pictures share must not decide anything.
    const head = expectHead(fitPictureHead(shop));
    const shift = shop.pictures.reduce((sum, p) => sum.map((value, d) => value + (p[d] ?? 0) / 300), new Float32Array(16));
    const query = head.project(shop.texts[0] ?? new Float32Array());
    const order = (pictures: readonly Float32Array[]): number[] =>
      pictures
        .map((p, i) => ({ i, score: p.reduce((sum, v, d) => sum + v * (query[d] ?? 0), 0) }))
        .sort((a, b) => b.score - a.score)
        .map(({ i }) => i);
    expect(order(shop.pictures.map((p) => p.map((v, d) => v - (shift[d] ?? 0)))).slice(0, 20)).toEqual(order(shop.pictures).slice(0, 20));
  });

  it('is refused where titles say nothing of their pictures', () => {
    const other = imagineShop({ items: 300, textDims: 12, imageDims: 16, noise: 0.4, seed: 99 });
    const fit = fitPictureHead({ texts: shop.texts, pictures: other.pictures });
    expect(fit).toHaveProperty(
      'refusal',
      expect.stringMatching(/held-out title finds its picture among 10 of 100 in 0\.\d+ .* 0\.300 is asked for/),
    );
  });

  it('is refused on a handful of items', () => {
    const fit = fitPictureHead({ texts: shop.texts.slice(0, 59), pictures: shop.pictures.slice(0, 59) });
    expect(fit).toHaveProperty('refusal', expect.stringContaining('59 items'));
  });

  it('counts variants that share a picture as one item, and drops zero vectors', () => {
    const same = { texts: shop.texts, pictures: shop.texts.map(() => shop.pictures[0] ?? new Float32Array()) };
    expect(fitPictureHead(same)).toHaveProperty('refusal', expect.stringMatching(/^1 items/));
    const empty = { texts: shop.texts.map((text) => text.map(() => 0)), pictures: shop.pictures };
    expect(fitPictureHead(empty)).toHaveProperty('refusal', expect.stringMatching(/^0 items/));
  });

  it('gives the same head for the same pairs in any order', () => {
    const head = expectHead(fitPictureHead(shop));
    const turned = expectHead(fitPictureHead({ texts: shop.texts.toReversed(), pictures: shop.pictures.toReversed() }));
    expect(turned.matrix).toEqual(head.matrix);
    expect(turned.quality).toEqual(head.quality);
  });
});

describe('a stored head', () => {
  const head = expectHead(fitPictureHead(imagineShop({ items: 200, textDims: 6, imageDims: 8, noise: 0.2, seed: 5 })));

  it('comes back as it was', () => {
    const back = decodePictureHead({ ...encodePictureHead(head), quality: head.quality });
    expect(back.matrix).toEqual(head.matrix);
    expect(back.quality).toEqual(head.quality);
    expect(encodePictureHead(head)).toMatchObject({ text_dims: 6, image_dims: 8 });
  });

  it('is refused where its bytes are not those that were stamped', () => {
    const stored = encodePictureHead(head);
    const other = Buffer.from(stored.matrix, 'base64');
    other.writeFloatLE(9, 0);
    expect(() => decodePictureHead({ ...stored, matrix: other.toString('base64') })).toThrow(
      /sha256 .* is stamped; index the catalogue again/,
    );
  });

  it('is refused where its shape is another', () => {
    expect(() => decodePictureHead({ ...encodePictureHead(head), image_dims: 9 })).toThrow(/has 56 numbers, 63 belong/);
  });

  it('refuses the vector of another encoder', () => {
    expect(() => head.project(new Float32Array(7))).toThrow(/takes text vectors of 6 dimensions, not 7/);
  });
});

describe('cutFragments', () => {
  it('cuts runs of the title of one to three words, the same each time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{3,8}$/), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        (words, count) => {
          const title = words.join(' ');
          const fragments = cutFragments(title, { count });
          expect(fragments.length).toBeLessThanOrEqual(count);
          expect(new Set(fragments).size).toBe(fragments.length);
          expect(cutFragments(title, { count })).toEqual(fragments);
          for (const fragment of fragments) {
            expect(` ${title} `).toContain(` ${fragment} `);
            expect(fragment.split(' ').length).toBeLessThanOrEqual(3);
          }
        },
      ),
    );
  });

  it('has nothing to cut from one word', () => {
    expect(cutFragments('Mug')).toEqual([]);
    expect(cutFragments('')).toEqual([]);
  });
});
