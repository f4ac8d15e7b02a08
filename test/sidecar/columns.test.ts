import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { COLUMN_NAMES } from '../../models/feature-set.js';
import { assembleFeatures, type Item } from '../../sidecar/features.js';
import { NO_STATISTICS } from './candidate-lists.js';

const itemSchema = z
  .object({
    id: z.string(),
    price: z.number().nullable(),
    rating: z.number().nullable(),
    ratingCount: z.number().nullable(),
    brand: z.string().nullable(),
    category: z.array(z.string()),
  })
  .transform((fields): Item => ({ ...fields, text: null, image: null, statistics: null }));

const fixtureSchema = z.object({
  columns: z.array(z.string()),
  cases: z.array(
    z.object({
      text: z.string().nullable(),
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
    expect(COLUMN_NAMES.slice(0, fixture.columns.length)).toEqual(fixture.columns);
  });

  test.each(fixture.cases.map((entry, place) => [place, entry] as const))(
    'agree within 1e-6 (list %i)',
    (_place, { text, candidates, history, columns }) => {
      const list = {
        candidates,
        history,
        query: { text, textVector: null, imageVector: null, headVector: null },
        cosineStats: NO_STATISTICS,
        signals: { text: true, image: true, history: true },
        textDims: 4,
        imageDims: 4,
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
