import { describe, expect, test } from 'vitest';
import type { NextItemResult } from './next-item-result.js';
import { NAMES, nameAt, type TrainedSystem } from './next-item-systems.js';
import { judgeNextItem, OTHER_PACKS } from './next-item-verdicts.js';
import { askedRuns } from './placed-runs.js';

/** Of ten queries the place of the product that is wanted. */
const alike = (place: number): number[] => Array.from({ length: 10 }, () => place);

async function resultOf(known: Record<string, readonly number[]>, trained: readonly TrainedSystem[] = []): Promise<NextItemResult> {
  const bare = await askedRuns({ [NAMES.first]: alike(4), [NAMES.served]: alike(4) });
  return {
    ...{
      name: 'beauty',
      seeds: [1],
      known: await askedRuns(known),
      bare,
      anonymous: bare,
      fresh: bare,
      baselines: [],
      trained,
      others: [],
    },
    ...{ floors: new Map<number, string>(), retrieved: '', missing: [], costs: [] },
  };
}

const SHIPPED = {
  [NAMES.first]: alike(4),
  [NAMES.popular]: alike(3),
  [NAMES.served]: alike(2),
  [NAMES.alone]: [1, 1, ...alike(2).slice(2, 8), 8, 8],
};

describe('what a pack of shoppers is to show', () => {
  test('is met or missed by the figures, and not measured where nothing was asked', async () => {
    const demands = await judgeNextItem(await resultOf(SHIPPED));
    const verdictOf = (what: string): [string | undefined, boolean | null | undefined] => {
      const demand = demands.find((each) => each.what.startsWith(what));
      return [demand?.measured, demand?.met];
    };
    expect(verdictOf('shoppers')).toEqual(['10', false]);
    expect(verdictOf('shipped ranker')).toEqual(['+100 % [+100, +100], stretch met', true]); // 1/2 over 1/4
    expect(verdictOf('over the first phase + popularity')).toEqual(['+50 % [+50, +50]', true]); // 1/2 over 1/3
    expect(verdictOf('without any log')).toEqual(['+0 % [+0, +0]', false]);
    expect(verdictOf('harm, dial .75')).toEqual(['0.0 %', true]);
    expect(verdictOf('harm, dial 1')).toEqual(['20.0 %', false]); // two of ten fall from 1/4 to 1/8
    expect(verdictOf('trained on the other packs')).toEqual(['', null]);
    expect(verdictOf('tuned on 500')).toEqual(['', null]);
  });

  test('looks rankers of the other packs up by their names', async () => {
    const [net, mix, lambdaMart] = [OTHER_PACKS.net, OTHER_PACKS.mix, OTHER_PACKS.lambdaMart];
    const others = {
      [nameAt(net, 0.75)]: alike(3),
      [nameAt(net, 1)]: alike(3),
      [nameAt(mix, 1)]: alike(1),
      [nameAt(lambdaMart, 1)]: alike(2),
    };
    const demands = await judgeNextItem(await resultOf({ ...SHIPPED, ...others }));
    expect(demands.filter(({ what }) => /packs|its (mix|net)/.test(what)).map(({ measured, met }) => [measured, met])).toEqual([
      ['+33 % [+33, +33]', true],
      ['+.500', true],
      ['-.167', false],
    ]);
  });
});
