import { comparePassed, runScenario, sendOne, type Outcome } from './scenario-run.js';
import { scenariosOf, search } from './scenario.js';
import { FAULTED_BODY, type FaultScenario } from './scenarios/faults.js';
import { NAMES } from './names.js';
import type { CompatibilityShop } from './shop.js';

/** One fault at the engine, met by a client that talks to it straight and by one that talks to the sidecar. */
export async function runFault(shop: CompatibilityShop, scenario: FaultScenario): Promise<Outcome> {
  const { faulty, writing } = shop;
  const { fault, expect } = scenario;
  const request = search(NAMES.items, FAULTED_BODY, scenario.headers === undefined ? {} : { headers: scenario.headers });
  await sendOne(writing.url, request); // whatever is read once and kept is read before the fault
  if (scenario.dropsIdle) faulty.dropIdle();
  faulty.arm(fault);
  try {
    if (expect.kind !== 'passed') {
      const { steps } = scenariosOf('', NAMES.items);
      return await runScenario(
        { ...shop, engineUrl: faulty.url },
        { ...steps(scenario.name, expect, [request]), through: 'writing', only: 'shop' },
      );
    }
    const through = await sendOne(writing.url, request);
    if (scenario.honest) faulty.arm(null);
    return comparePassed(await sendOne(faulty.url, request), through, expect.reason);
  } finally {
    faulty.arm(null);
  }
}
