import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRanker } from '../../models/ranker.js';
import { rankerFolders, rankingInput, readParity } from './ranker-artefacts.js';

describe.each(rankerFolders().map((folder) => [basename(folder), folder]))('ranker %s', (_name, folder) => {
  test('gives what PyTorch gave', async () => {
    const ranker = await openRanker(folder);
    const { cases, tolerance } = readParity(folder);
    for (const { shape, inputs, outputs } of cases) {
      const { scores } = await ranker.score(rankingInput(shape, inputs));
      const expected = outputs['score'] ?? [];
      expect(scores).toHaveLength(expected.length);
      scores.forEach((score, place) => expect(Math.abs(score - (expected[place] ?? NaN))).toBeLessThanOrEqual(tolerance));
    }
    await ranker.close();
  });
});
