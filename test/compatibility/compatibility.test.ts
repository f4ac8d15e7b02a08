import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMPATIBILITY_PAGE, renderPage, type PageRow } from './compatibility-page.js';
import { runFault } from './fault-run.js';
import { runScenario, type Outcome } from './scenario-run.js';
import { faults } from './scenarios/faults.js';
import { scenarios } from './scenarios/index.js';
import { openCompatibilityShop, type CompatibilityShop } from './shop.js';

let shop: CompatibilityShop;
beforeAll(async () => {
  shop = await openCompatibilityShop();
});
afterAll(() => shop.close());

const rows: PageRow[] = [];
const faultRows = faults.map((fault) => ({ feature: 'Faults of the engine', ...fault }));

function keep(row: Omit<PageRow, 'outcome'>, outcome: Outcome): void {
  rows.push({ ...row, outcome });
  expect(outcome.differences.join('\n')).toBe('');
}

describe('the engine and the sidecar, asked the same', () => {
  test.each(scenarios.map((scenario) => [`${scenario.feature}: ${scenario.name}`, scenario] as const))('%s', async (_, scenario) => {
    keep(scenario, await runScenario(shop, scenario));
  });

  test.each(faultRows.map((fault) => [`${fault.feature}: ${fault.name}`, fault] as const))('%s', async (_, fault) => {
    keep(fault, await runFault(shop, fault));
  });
});

describe('the suite', () => {
  test('is as large as it has to be, and names nothing twice', () => {
    const names = [...scenarios, ...faultRows].map(({ feature, name }) => `${feature}: ${name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(150);
    expect(scenarios.filter((scenario) => scenario.expect.kind === 'ranked').length).toBeGreaterThanOrEqual(70);
  });

  test('sees orders change: a sidecar that ranks nothing would not pass', () => {
    const ranked = rows.filter(({ expect: expected }) => expected.kind === 'ranked');
    if (ranked.length < 70) return; // a part of the suite
    expect(ranked.filter(({ outcome }) => outcome.moved).length).toBeGreaterThan(0.8 * ranked.length);
    expect(ranked.filter(({ outcome }) => outcome.added > 0).length).toBeGreaterThan(0.4 * ranked.length);
  });

  test('docs/compatibility.md is what it finds (npm run test:compatibility -- --write)', async () => {
    if (rows.length < scenarios.length + faultRows.length) return; // a part of the suite
    const page = await renderPage(rows);
    if (process.env.FUSERANK_WRITE_PAGES === '1') writeFileSync(COMPATIBILITY_PAGE, page);
    expect(readFileSync(COMPATIBILITY_PAGE, 'utf8')).toBe(page);
  });
});
