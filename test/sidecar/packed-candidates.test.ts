import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RetrievedCandidate } from '../../sidecar/retrieve.js';
import { packCandidates, unpackCandidates, type PackedCandidates } from '../../sidecar/scoring/packed-candidates.js';

const rank = fc.option(fc.nat(1000), { nil: null });
const candidate: fc.Arbitrary<RetrievedCandidate> = fc.record({
  index: fc.constantFrom('shop-v1', 'shop-v2', 'möbel'),
  id: fc.string(),
  seqNo: fc.option(fc.maxSafeNat(), { nil: null }),
  firstPhaseScore: fc.option(fc.double({ noNaN: true }), { nil: null }),
  firstPhaseRank: rank,
  textRank: rank,
  imageRank: rank,
});

test('candidates arrive as they were sent, through the channel of two processes', () => {
  fc.assert(
    fc.property(fc.array(candidate, { maxLength: 30 }), (candidates) => {
      const arrived = z.custom<PackedCandidates>().parse(deserialize(serialize(packCandidates(candidates))));
      expect(unpackCandidates(arrived)).toEqual(candidates);
    }),
  );
});
