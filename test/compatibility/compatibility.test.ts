import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runScenario, type Outcome } from './scenario-run.js';
import { scenarios } from './scenarios/index.js';
import { openCompatibilityShop, type CompatibilityShop } from './shop.js';

let shop: CompatibilityShop;
beforeAll(async () => {
  shop = await openCompatibilityShop();
});
afterAll(() => shop.close());

const outcomes: Outcome[] = [];

describe.each(['shop', 'strict'] as const)('profile %s', (profile) => {
  test.each(scenarios.map((scenario) => [`${scenario.feature}: ${scenario.name}`, scenario] as const))('%s', async (_, scenario) => {
    const outcome = await runScenario(shop, scenario, profile);
    outcomes.push(outcome);
    expect(outcome.differences).toEqual([]);
  });
});
