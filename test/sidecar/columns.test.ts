import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { itemStatisticsSchema } from '../../mappings/statistics-index.js';
import { COLUMN_NAMES } from '../../models/feature-set.js';
import { assembleFeatures, type Item } from '../../sidecar/features.js';
import { readItemStatistics } from '../../sidecar/statistics/item-statistics.js';
import { STATISTICS } from './candidate-lists.js';

const vector = z
  .array(z.number())
  .nullable()
  .transform((values) => values && Float32Array.from(values));

const itemSchema = z
  .object({
    id: z.string(),
    price: z.number().nullable(),
    rating: z.number().nullable(),
    ratingCount: z.number().nullable(),
    brand: z.string().nullable(),
    category: z.array(z.string()),
    text: vector,
    image: vector,
    statistics: itemStatisticsSchema.nullable(),
  })
  .transform((fields): Item => ({ ...fields, statistics: fields.statistics && readItemStatistics(fields.statistics) }));

const fixtureSchema = z.object({
  columns: z.array(z.string()),
  textDims: z.number(),
  imageDims: z.number(),
  cases: z.array(
    z.object({
      query: z.object({ text: z.string().nullable(), textVector: vector, imageVector: vector, headVector: vector }),
      candidates: z.array(
        z.object({
          item: itemSchema.nullable(),
          firstPhaseScore: z.number().nullable(),
          firstPhaseRank: z.number().nullable(),
          textRank: z.number().nullable(),
          imageRank: z.number().nullable(),
        }),
      ),
      history: z.array(
        z.object({
          objectId: z.string(),
          action: z.string(),
          ageSeconds: z.number(),
          runningSession: z.boolean(),
          item: itemSchema.nullable(),
        }),
      ),
      columns: z.array(z.array(z.number())),
    }),
  ),
});

describe('columns in TypeScript and Python', () => {
  const fixture = fixtureSchema.parse(JSON.parse(readFileSync(join(packageRoot, 'test', 'models', 'columns.fixture.json'), 'utf8')));

  test('come in the same order', () => {
    expect(COLUMN_NAMES).toEqual(fixture.columns);
  });

  test.each(fixture.cases.map((entry, place) => [place, entry] as const))(
    'agree within 1e-6 (list %i)',
    (_place, { query, candidates, history, columns }) => {
      const list = {
        candidates,
        history,
        query,
        cosineStats: STATISTICS,
        signals: { text: true, image: true, history: true },
        textDims: fixture.textDims,
        imageDims: fixture.imageDims,
      };
      const { values } = assembleFeatures(list, { inputs: ['columns'], columns: fixture.columns });
      columns.flat().forEach((expected, place) => {
        expect(Math.abs((values.columns?.[place] ?? NaN) - expected), fixture.columns[place % fixture.columns.length]).toBeLessThanOrEqual(
          1e-6,
        );
      });
    },
  );
});
