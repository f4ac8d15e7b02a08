import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { COLOUR_DIMS, countColours, measureColours } from '../../models/colour-histogram.js';
import { openImageEncoder, type ImageEncoder } from '../../models/image-encoder.js';
import { openOnnxSession, type OnnxSession } from '../../models/onnx-session.js';
import { decodePicture, type Pixels } from '../../models/picture-decoder.js';
import { squarePicture } from '../../models/square-picture.js';
import { describeWithData } from '../data-folder.js';

const BUILTIN = join(packageRoot, 'models', 'artefacts', 'picture-small-1');

const paritySchema = z.object({ waves: z.array(z.array(z.number())), vectors: z.array(z.array(z.number())) });

function dot(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b) throw new Error('a vector is missing');
  return a.reduce((sum, value, d) => sum + value * (b[d] ?? 0), 0);
}

function paint(width: number, height: number, colour: (x: number, y: number) => readonly [number, number, number]): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(colour(x, y), (y * width + x) * 3);
  return { width, height, data };
}

/** A thing of one colour on a white wall, bare or in stripes. */
function drawThing(colour: readonly [number, number, number], stripe: number): Pixels {
  return paint(160, 200, (x, y) => {
    if (Math.abs(x - 80) > 50 || Math.abs(y - 100) > 70) return [250, 250, 250];
    return stripe > 0 && Math.floor(y / stripe) % 2 === 0 ? [240, 240, 235] : colour;
  });
}

describe('the built-in picture encoder', () => {
  let encoder: ImageEncoder;
  beforeAll(async () => {
    encoder = await openImageEncoder({ path: 'builtin' });
  });
  afterAll(() => encoder.close());

  it('gives unit vectors of few dimensions and stamps them', async () => {
    expect(encoder.id).toMatch(/^picture-small-1@[0-9a-f]{8}\+colour$/);
    expect(encoder.dims).toBeLessThanOrEqual(256);
    const vectors = await encoder.encode([drawThing([200, 30, 30], 0), paint(1, 1, () => [0, 0, 0]), paint(3, 400, () => [255, 255, 255])]);
    for (const vector of vectors) {
      expect(vector).toHaveLength(encoder.dims);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    }
  });

  it('gives a picture the same vector whatever its neighbours', async () => {
    const pictures = Array.from({ length: 11 }, (_, i) => drawThing([20 * i, 90, 200 - 15 * i], i));
    const together = await encoder.encode(pictures);
    for (const i of [0, 7, 10]) {
      const picture = pictures[i];
      if (picture) expect(dot((await encoder.encode([picture]))[0], together[i])).toBeGreaterThan(1 - 1e-6);
    }
  });

  it('sees colours and patterns', async () => {
    const [red, darkRed, blue, striped] = await encoder.encode([
      drawThing([200, 30, 30], 0),
      drawThing([180, 25, 35], 0),
      drawThing([30, 50, 190], 0),
      drawThing([200, 30, 30], 12),
    ]);
    expect(dot(red, darkRed)).toBeGreaterThan(dot(red, blue) + 0.1);
    expect(dot(red, darkRed)).toBeGreaterThan(dot(red, striped) + 0.1);
  });

  it('knows a picture again after resizing and recompression', async () => {
    const pictures = Array.from({ length: 12 }, (_, i) => drawThing([(53 * i) % 256, (97 * i) % 256, (151 * i) % 256], (i % 4) * 5));
    const indexed = await encoder.encode(pictures);
    for (const [i, { width, height, data }] of pictures.entries()) {
      const again = await sharp(data, { raw: { width, height, channels: 3 } })
        .resize(97)
        .jpeg({ quality: 60 })
        .toBuffer();
      const [query] = await encoder.encode([await decodePicture(again)]);
      const nearest = indexed.map((vector, at) => ({ at, score: dot(vector, query) })).sort((a, b) => b.score - a.score)[0];
      expect(nearest?.at).toBe(i);
    }
  });
});

describe('the built-in picture model', () => {
  let session: OnnxSession;
  beforeAll(async () => {
    session = await openOnnxSession(join(BUILTIN, 'model.onnx'));
  });
  afterAll(() => session.close());

  it('gives the vectors that PyTorch gave', async () => {
    const parity = paritySchema.parse(JSON.parse(await readFile(join(BUILTIN, 'parity.json'), 'utf8')));
    const { side } = z.object({ side: z.number() }).parse(JSON.parse(await readFile(join(BUILTIN, 'preprocessor_config.json'), 'utf8')));
    for (const [i, [across = 0, down = 0, shift = 0]] of parity.waves.entries()) {
      const data = Float32Array.from({ length: 3 * side * side }, (_, at) => {
        const [x, y, channel] = [at % side, Math.floor(at / side) % side, Math.floor(at / side / side)];
        return Math.round(127.5 + 127.5 * Math.sin((2 * Math.PI * (across * x + down * y)) / side + channel * shift)) / 127.5 - 1;
      });
      const { image_embeds: output } = await session.run({ pixel_values: { type: 'float32', data, dims: [1, 3, side, side] } });
      const length = Math.hypot(...(output?.data ?? []));
      parity.vectors[i]?.forEach((value, d) => expect(Math.abs((output?.data[d] ?? NaN) / length - value)).toBeLessThan(1e-3));
    }
  });

  it('refuses to run once it is closed, and closes twice without harm', async () => {
    const other = await openOnnxSession(join(BUILTIN, 'model.onnx'));
    await other.close();
    await other.close();
    await expect(other.run({})).rejects.toThrow(/closed; open it again/);
  });

  it('names the file that is no model', async () => {
    await expect(openOnnxSession(join(BUILTIN, 'manifest.json'))).rejects.toThrow(/cannot open .*manifest\.json \(.+whole ONNX model/);
  });
});

describe('squarePicture', () => {
  it('keeps a flat colour flat and pads with white, whatever the size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 0, max: 255 }),
        (width, height, value) => {
          const side = 24;
          const planes = new Float32Array(3 * side * side);
          squarePicture(
            paint(width, height, () => [value, value, value]),
            side,
            planes,
          );
          const wide = Math.max(1, Math.round((width * side) / Math.max(width, height)));
          const tall = Math.max(1, Math.round((height * side) / Math.max(width, height)));
          const inside = planes.filter((v) => Math.abs(v - (value / 127.5 - 1)) < 1e-4).length;
          const white = planes.filter((v) => v === 1).length;
          if (value < 255) expect([inside, white]).toEqual([3 * wide * tall, 3 * (side * side - wide * tall)]);
        },
      ),
    );
  });

  it('halves a picture to the means of what it covers', () => {
    const planes = new Float32Array(3 * 4 * 4);
    squarePicture(
      paint(8, 8, (x) => [x < 4 ? 0 : 255, 0, 0]),
      4,
      planes,
    );
    expect([...planes.subarray(0, 4)].map((v) => Math.round((v + 1) * 127.5))).toEqual([0, 32, 223, 255]);
  });
});

describe('measureColours', () => {
  it('is a unit vector, and the histogram below it one of shares, for any picture', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.uint8Array({ minLength: 3, maxLength: 30 }),
        (width, height, bytes) => {
          const at = (place: number): number => bytes[place % bytes.length] ?? 0;
          const picture = paint(width, height, (x, y) => [at(x + y), at(x), at(y)]);
          const shares = countColours(picture);
          expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
          expect(Math.hypot(...shares)).toBeCloseTo(1, 4);
          const colours = measureColours(picture);
          expect(colours).toHaveLength(COLOUR_DIMS);
          expect(Math.hypot(...colours)).toBeCloseTo(1, 4);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('keeps the cosines of the histograms', () => {
    const pictures = Array.from({ length: 12 }, (_, i) => drawThing([(53 * i) % 256, (97 * i) % 256, (151 * i) % 256], (i % 3) * 6));
    const whole = pictures.map((picture) => countColours(picture));
    const short = pictures.map((picture) => measureColours(picture));
    for (let i = 0; i < 12; i++)
      for (let j = 0; j < i; j++) expect(Math.abs(dot(whole[i], whole[j]) - dot(short[i], short[j]))).toBeLessThan(0.1);
  });

  it('looks at the thing, not at the wall behind it', () => {
    const [onWhite, onGrey] = [250, 190].map((wall) =>
      measureColours(paint(100, 100, (x, y) => (Math.hypot(x - 50, y - 50) < 25 ? [200, 30, 40] : [wall, wall, wall]))),
    );
    const wallAlone = measureColours(paint(100, 100, () => [250, 250, 250]));
    expect(dot(onWhite, onGrey)).toBeGreaterThan(0.75);
    expect(dot(onWhite, wallAlone)).toBeLessThan(0.6);
  });

  it('tells near shades from far ones', () => {
    const [red, crimson, green] = [
      [200, 30, 40],
      [185, 25, 55],
      [40, 160, 70],
    ].map(([r = 0, g = 0, b = 0]) => measureColours(paint(20, 20, () => [r, g, b])));
    expect(dot(red, crimson)).toBeGreaterThan(0.7);
    expect(dot(red, green)).toBeLessThan(0.4);
  });
});

describeWithData('a picture model from a local folder', (data) => {
  const path = join(data, '..', 'models', 'mobilenet-v2-224');

  it('is joined with the colours, or not, as asked', async () => {
    const [plain, joined] = await Promise.all([openImageEncoder({ path, colourHistogram: false }), openImageEncoder({ path })]);
    try {
      expect(plain.id).toMatch(/^mobilenet-v2-224@[0-9a-f]{8}$/);
      expect([plain.dims, joined.dims]).toEqual([1280, 1280 + COLOUR_DIMS]);
      expect(plain.preprocessing).not.toBe(joined.preprocessing);
      const pictures = [drawThing([200, 30, 30], 0), drawThing([30, 40, 200], 9)];
      for (const vector of [...(await plain.encode(pictures)), ...(await joined.encode(pictures))])
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    } finally {
      await Promise.all([plain.close(), joined.close()]);
    }
  });
});
