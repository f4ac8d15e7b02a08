import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHouse, type House } from './house.js';

/** One shopper's evening, told in order. */
describe('a shopper comes to a small shop', () => {
  let house: House;
  const shopper = { fuserank: { user_id: 'ada' } };
  const lamps = { query: { multi_match: { query: 'lamp mug bag dress', fields: ['title', 'description'] } }, size: 20 };
  let first: readonly string[];
  let afterClick: readonly string[];

  beforeAll(async () => {
    house = await openHouse({ products: 20 });
  });
  afterAll(() => house.close());

  it('whose twenty products are indexed with their pictures', () => {
    expect(house.report.products).toMatchObject({ written: 20, rejected: 0 });
  });

  it('searches, unknown, and gets what anybody gets', async () => {
    const anybody = await house.search(lamps);
    const unknown = await house.search({ ...lamps, ext: shopper });
    expect(unknown.label).toMatch(/^applied; model=fusion-base/);
    expect(withoutTook(unknown.text)).toBe(withoutTook(anybody.text));
    first = unknown.ids;
    expect(first.length).toBeGreaterThan(3);
  });

  it('clicks the last thing on the page', async () => {
    const event = {
      action_name: 'click',
      timestamp: new Date().toISOString(),
      user_id: 'ada',
      event_attributes: { object: { object_id: first.at(-1) } },
    };
    const response = await fetch(`${house.sidecar.url}/ubi/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(event),
    });
    expect(response.status).toBe(200);
  });

  it('searches again and sees that it was noticed', async () => {
    const again = await house.search({ ...lamps, ext: shopper });
    afterClick = again.ids;
    expect(again.label).toMatch(/^applied/);
    expect(afterClick).not.toEqual(first);
    expect([...afterClick].sort()).toEqual([...first].sort());
  });

  it('while everybody else sees what they saw before', async () => {
    expect((await house.search({ ...lamps, ext: { fuserank: { user_id: 'bob' } } })).ids).toEqual(first);
  });

  it('asks to be forgotten', async () => {
    const response = await fetch(`${house.sidecar.adminUrl}/v1/users/ada`, { method: 'DELETE' });
    expect(response.status).toBe(200);
  });

  it('and is nobody again', async () => {
    expect((await house.search({ ...lamps, ext: shopper })).ids).toEqual(first);
  });
});

function withoutTook(text: string): string {
  return text.replace(/"took":\d+/, '"took":0');
}
