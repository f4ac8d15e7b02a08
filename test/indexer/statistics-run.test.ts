import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { registerStatisticsCommand } from '../../indexer/behaviour-statistics/command.js';
import { RunUnderWay } from '../../indexer/behaviour-statistics/claimed-document.js';
import { CatalogueMissing } from '../../indexer/behaviour-statistics/counted-catalogue.js';
import { NothingCounted } from '../../indexer/behaviour-statistics/merge-run.js';
import { CountedAlready } from '../../indexer/behaviour-statistics/slice-run.js';
import type { StatisticsReport } from '../../indexer/behaviour-statistics/statistics-report.js';
import { computeStatistics, type StatisticsOptions } from '../../indexer/behaviour-statistics/statistics-run.js';
import { EventsUnreadable } from '../../indexer/events/event-fields.js';
import { AliasConflict } from '../../indexer/index-lifecycle.js';
import type { ItemStatisticsDocument } from '../../mappings/statistics-index.js';
import { DAY, drawEvents, END, openStatisticsShop, PRODUCTS, type ShopEvent, type StatisticsShop } from './statistics-shop.js';

let shop: StatisticsShop;
const events = drawEvents({ seed: 3, count: 600 });
const timeOf = ({ timestamp }: ShopEvent): number => Date.parse(timestamp);
const shopperOf = ({ user_id, client_id, session_id }: ShopEvent): string => `${user_id ?? `c:${client_id ?? `s:${session_id}`}`}`;

beforeAll(async () => {
  shop = await openStatisticsShop('statistics-test');
  await shop.store(`${shop.prefix}-events`, events);
});
afterAll(() => shop.close());

const run = (into: string, options: Partial<StatisticsOptions> = {}): Promise<StatisticsReport> =>
  computeStatistics({ config: shop.config(), alias: shop.catalogue, into: `${shop.prefix}-${into}`, until: new Date(END), ...options });
const documentsOf = (into: string): Promise<ItemStatisticsDocument[]> => shop.documents(`${shop.prefix}-${into}`);

/** Equal but for the last digits of sums made in another order; factors by their closeness, which is all that is asked of them. */
function expectAlike(found: readonly ItemStatisticsDocument[], wanted: readonly ItemStatisticsDocument[]): void {
  const exact = ({ factor: _factor, neighbour_weights: _weights, neighbour_cosines: _cosines, ...rest }: ItemStatisticsDocument): object =>
    rest;
  expect(found.map(exact)).toEqual(wanted.map(exact));
  found.forEach((document, at) => {
    const other = wanted[at];
    document.neighbour_weights.forEach((weight, place) => expect(weight).toBeCloseTo(other?.neighbour_weights[place] ?? NaN, 5));
    document.neighbour_cosines.forEach((cosine, place) => expect(cosine).toBeCloseTo(other?.neighbour_cosines[place] ?? NaN, 4));
    expect(document.factor === null).toBe(other?.factor === null);
    found.forEach((second, place) => expect(closeness(document, second)).toBeCloseTo(closeness(other, wanted[place]), 3));
  });
}

function closeness(one: ItemStatisticsDocument | undefined, other: ItemStatisticsDocument | undefined): number {
  return (one?.factor ?? []).reduce((sum, value, dim) => sum + value * (other?.factor?.[dim] ?? 0), 0);
}

describe('statistics of a shop', () => {
  it('are what the events say, counted by hand', async () => {
    const report = await run('hand');
    expect(report).toMatchObject({
      outcome: 'published',
      previous: null,
      mode: 'full',
      slice: '1/1',
      read: { events: events.length },
      added: { events: events.length },
      not_counted: {
        unknown_products: { events: 0 },
        unknown_actions: { events: 0 },
        without_product: 0,
        without_shopper: 0,
        without_time: 0,
      },
      catalogue: { products: PRODUCTS.length },
    });
    expect(report.read.shoppers).toBe(new Set(events.map(shopperOf)).size);
    const documents = await documentsOf('hand');
    const { meta } = await shop.version(`${shop.prefix}-hand`);
    expect(meta).toMatchObject({
      catalogue: shop.catalogue,
      events: `${shop.prefix}-events`,
      until: '2026-03-01T00:00:00.000Z',
      counted: { events: events.length, items: documents.length },
      min_users_per_pair: 2,
    });
    const byId = new Map(documents.map((document) => [document.item_id, document]));
    const naive = countByHand(events);
    for (const { id } of PRODUCTS) {
      const document = byId.get(id);
      const wanted = naive.items.get(id);
      if (wanted === undefined || wanted.users < 5) expect(document?.users ?? null).toBeNull();
      else expect(document).toMatchObject(wanted);
      const neighbours = [...naive.pairs].flatMap(([pair, { weight, users }]) => {
        const [a = '', b = ''] = pair.split(' ');
        return a === id && users >= 2 ? [{ id: b, weight }] : [];
      });
      neighbours.sort((a, b) => b.weight - a.weight);
      expect(document?.neighbour_ids.length ?? 0).toBe(neighbours.length);
      neighbours.forEach(({ id: other, weight }) => {
        const place = document?.neighbour_ids.indexOf(other) ?? -1;
        expect(document?.neighbour_weights[place]).toBeCloseTo(weight, 5);
        const cosine = weight / Math.sqrt(naive.sumOf(id) * naive.sumOf(other));
        expect(document?.neighbour_cosines[place]).toBeCloseTo(cosine, 5);
      });
      const weights = document?.neighbour_weights ?? [];
      expect(weights).toEqual([...weights].sort((a, b) => b - a));
      if (neighbours.length > 0) expect(Math.hypot(...(document?.factor ?? []))).toBeCloseTo(1, 4);
    }
    expect(documents.some(({ users }) => users === null) || documents.length < PRODUCTS.length).toBe(true);
  });

  it('are the same in ten steps as in one, also after a run that was cut off', async () => {
    const parts = `${shop.prefix}-steps-parts`;
    for (let step = 1; step <= 10; step += 1) {
      const report = await run('steps', { until: new Date(END - (10 - step) * 3 * DAY) });
      expect(report).toMatchObject({ outcome: 'published', mode: step === 1 ? 'full' : 'incremental' });
      expect(report.read.events).toBeLessThan(100);
      // What a run that was cut off leaves: rows that no state lists.
      const row = {
        kind: 'row',
        slice: '1/1',
        generation: 'cut-off',
        item_id: 'p10',
        users: 9,
        impressions: 9,
        views: 9,
        carts: 9,
        purchases: 9,
      };
      await shop.ask('PUT', `/${parts}/_doc/cut-off?refresh=true`, { ...row, pairs: { ids: ['p11'], weights: [9], users: [9] } });
    }
    await run('whole');
    expectAlike(await documentsOf('steps'), await documentsOf('whole'));
    // Eight generations at most are kept apart.
    const answer = await shop.ask('GET', `/${parts}/_doc/slice%201%2F1`);
    const { _source: state } = z.object({ _source: z.object({ generations: z.array(z.string()), run: z.null() }) }).parse(answer);
    expect(state.generations.length).toBeLessThanOrEqual(8);
    // And with nothing new they stay.
    const again = await run('steps');
    expect(again).toMatchObject({ outcome: 'published', mode: 'incremental', read: { events: 0 }, counted: { events: events.length } });
    expectAlike(await documentsOf('steps'), await documentsOf('whole'));
  }, 240_000);

  it('are the same in three slices as in one, merged by whoever ends last', async () => {
    const slice = (index: number, until = END): Promise<StatisticsReport> =>
      run('sliced', { slice: { index, of: 3 }, until: new Date(until) });
    expect(await slice(0)).toMatchObject({
      outcome: 'waiting',
      slice: '1/3',
      index: null,
      waiting_for: ['2/3 (not counted)', '3/3 (not counted)'],
    });
    await expect(shop.version(`${shop.prefix}-sliced`)).rejects.toThrow();
    const second = await slice(2, END - DAY);
    expect(second.waiting_for).toEqual(['1/3 (counted until 2026-03-01T00:00:00.000Z)', '2/3 (not counted)']);
    const shares = [(await slice(2)).counted, (await slice(1)).counted];
    expect(shares).toMatchObject([null, { events: events.length }]);
    await run('unsliced');
    expectAlike(await documentsOf('sliced'), await documentsOf('unsliced'));
    // One slice again: the thirds of before are forgotten.
    expect(await run('sliced')).toMatchObject({ outcome: 'published', counted: { events: events.length } });
    const rest = await shop.ask('POST', `/${shop.prefix}-sliced-parts/_search`, {
      query: { bool: { must_not: [{ term: { slice: '1/1' } }] } },
    });
    expect(rest).toMatchObject({ hits: { hits: [] } });
  });

  it('read an index that others made, with text and keyword twins', async () => {
    const index = `${shop.prefix}-foreign`;
    await shop.store(index, events); // without a mapping: ids become text with a keyword twin
    const fields = await shop.ask('GET', `/${index}/_mapping/field/user_id`);
    expect(JSON.stringify(fields)).toContain('"type":"text"');
    const report = await run('twins', { config: shop.config({ events: index }) });
    expect(report).toMatchObject({ outcome: 'published', counted: { events: events.length } });
    await run('plain');
    expectAlike(await documentsOf('twins'), await documentsOf('plain'));
    const thirds = [0, 1, 2].map((part) => run('twin-thirds', { config: shop.config({ events: index }), slice: { index: part, of: 3 } }));
    await Promise.all(thirds);
    await run('twin-thirds', { config: shop.config({ events: index }), slice: { index: 0, of: 3 } });
    expectAlike(await documentsOf('twin-thirds'), await documentsOf('plain'));
  });

  it('tell what does not count', async () => {
    const index = `${shop.prefix}-odd`;
    const one = (more: Partial<ShopEvent>): ShopEvent => ({
      ...{ action_name: 'click', timestamp: '2026-02-01T00:00:00.000Z', user_id: 'u1' },
      event_attributes: { object: { object_id: 'p10' } },
      ...more,
    });
    const { event_attributes: _attributes, ...login } = one({ action_name: 'login' });
    const { user_id: _user, ...nobodys } = one({ timestamp: '2026-02-02T00:00:00.000Z' });
    await shop.store(index, [
      one({}),
      one({ event_attributes: { object: { object_id: 'gone-1' } } }),
      one({ event_attributes: { object: { object_id: 'gone-2' } }, user_id: 'u2' }),
      one({ action_name: 'dance' }),
      login,
      nobodys,
    ]);
    const report = await run('odd-statistics', { config: shop.config({ events: index }) });
    expect(report).toMatchObject({
      added: { events: 1, shoppers: 1 },
      not_counted: {
        unknown_products: { events: 2, examples: ['gone-1', 'gone-2'] },
        unknown_actions: { events: 1, examples: ['dance'] },
        without_product: 1,
        without_shopper: 1,
      },
      items: { documents: 0 },
    });
  });

  it('count pairs of as many shoppers as the operator wants', async () => {
    const kept: number[] = [];
    for (const minUsersPerPair of [1, 2, 5]) {
      // The parts are the same: only the merge is made again.
      const report = await run('threshold', { config: shop.config({ minUsersPerPair }) });
      kept.push(report.pairs?.kept ?? -1);
      expect((await shop.version(`${shop.prefix}-threshold`)).meta.min_users_per_pair).toBe(minUsersPerPair);
    }
    const naive = [...countByHand(events).pairs.values()];
    expect(kept).toEqual([1, 2, 5].map((min) => naive.filter(({ users }) => users >= min).length / 2));
  });

  it('stand behind an alias, with the version before and no other', async () => {
    const reports = [];
    for (let time = 0; time < 4; time += 1) reports.push(await run('versions'));
    const [, , third, last] = reports;
    expect(last?.previous).toBe(third?.index);
    expect((await shop.version(`${shop.prefix}-versions`)).name).toBe(last?.index);
    expect(await shop.indices(`${shop.prefix}-versions-2*`)).toEqual([third?.index, last?.index]);
  });
});

describe('a run that does not fit', () => {
  it('does not take out what is counted', async () => {
    await run('later');
    await expect(run('later', { until: new Date(END - DAY) })).rejects.toThrow(CountedAlready);
    const before = await run('earlier', { until: new Date(END - 10 * DAY) });
    expect(before.counted?.events).toBe(events.filter((event) => timeOf(event) < END - 10 * DAY).length);
    expect(await run('later', { until: new Date(END - DAY), full: true })).toMatchObject({ mode: 'full', why_full: 'asked for by --full' });
  });

  it('begins anew when it is to count from elsewhere', async () => {
    await run('since');
    const since = new Date(END - 10 * DAY);
    const report = await run('since', { since });
    expect(report).toMatchObject({ mode: 'full', why_full: 'since was not given in the run before' });
    const late = events.filter((event) => timeOf(event) >= since.getTime());
    expect(report.counted?.events).toBe(late.length);
    const naive = countByHand(late);
    for (const { item_id, users } of await documentsOf('since')) if (users !== null) expect(users).toBe(naive.items.get(item_id)?.users);
  });

  it('gives way to one that is under way, and takes over from one that is dead', async () => {
    await run('locked');
    const parts = `${shop.prefix}-locked-parts`;
    const claim = async (ago: number): Promise<void> => {
      const run = { owner: 'other', renewed: new Date(Date.now() - ago).toISOString() };
      await shop.ask('POST', `/${parts}/_update/slice%201%2F1?refresh=true`, { doc: { run } });
    };
    await claim(10_000);
    await expect(run('locked')).rejects.toMatchObject({ name: RunUnderWay.name, exitCode: 8 });
    await claim(600_000);
    expect(await run('locked')).toMatchObject({ outcome: 'published' });
  });

  it('of two at once, one at least refuses or both end with the same', async () => {
    const both = await Promise.allSettled([run('twice'), run('twice')]);
    expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const one of both) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(RunUnderWay);
    await run('once');
    expectAlike(await documentsOf('twice'), await documentsOf('once'));
  });

  it('stops without a trace when it is told to', async () => {
    await run('stopped');
    const { name } = await shop.version(`${shop.prefix}-stopped`);
    await expect(run('stopped', { full: true, signal: AbortSignal.abort() })).rejects.toThrow();
    expect((await shop.version(`${shop.prefix}-stopped`)).name).toBe(name);
    expect(await run('stopped')).toMatchObject({ outcome: 'published', mode: 'incremental' });
  });

  it('says what is missing', async () => {
    await expect(run('none', { alias: `${shop.prefix}-nowhere` })).rejects.toThrow(CatalogueMissing);
    await expect(run('none', { config: shop.config({ events: `${shop.prefix}-nothing` }) })).rejects.toThrow(EventsUnreadable);
    await expect(run('none', { until: new Date(END - 60 * DAY) })).rejects.toThrow(NothingCounted);
    await expect(run('products')).rejects.toThrow(AliasConflict);
    expect(await shop.indices(`${shop.prefix}-products*`)).toEqual([`${shop.prefix}-products-v1`]);
    await shop.ask('PUT', `/${shop.prefix}-words`, {
      mappings: { properties: { user_id: { type: 'text' }, action_name: { type: 'keyword' }, timestamp: { type: 'date' } } },
    });
    await expect(run('none', { config: shop.config({ events: `${shop.prefix}-words` }) })).rejects.toThrow(/object_id/);
  });
});

describe('the command', () => {
  async function type(...args: string[]): Promise<{ code: number | undefined; out: string; err: string }> {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const before = process.exitCode;
    try {
      const program = new Command().exitOverride();
      registerStatisticsCommand(program);
      const flags = ['--opensearch', shop.node.url, '--events', `${shop.prefix}-events`];
      await program.parseAsync(['node', 'fuserank', 'statistics', '--alias', shop.catalogue, ...flags, ...args]);
      const text = (spy: typeof out): string => spy.mock.calls.map(([piece]) => String(piece)).join('');
      return { code: process.exitCode === undefined ? undefined : Number(process.exitCode), out: text(out), err: text(err) };
    } finally {
      process.exitCode = before;
      out.mockRestore();
      err.mockRestore();
    }
  }

  it('prints one object, or a table', async () => {
    const json = await type('--until', '2026-03-01', '--into', `${shop.prefix}-typed`, '--json');
    expect(json.code).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({ outcome: 'published', alias: `${shop.prefix}-typed`, until: '2026-03-01T00:00:00.000Z' });
    const table = await type('--until', '2026-03-01', '--into', `${shop.prefix}-typed`);
    expect(table.out).toMatch(/^outcome +\S+-typed stands for \S+, \S+ is kept\n/);
    expect(table.out).toMatch(/pairs +\d+ kept of \d+: those that 2 shoppers or more share/);
  });

  it('refuses what can’t be meant', async () => {
    const [unbound, future] = [await type('--slice', '1/2'), await type('--until', '2999-01-01')];
    expect([unbound.code, future.code]).toEqual([2, 2]);
    expect(unbound.err).toContain('--until, the same for all slices');
    expect(future.err).toContain('future');
    expect(await type('--since', '2026-03-02', '--until', '2026-03-01')).toMatchObject({ code: 2 });
    await expect(type('--slice', '3/2')).rejects.toThrow(/second of four/);
    await expect(type('--until', 'yesterday')).rejects.toThrow(/date/);
  });
});

interface Hand {
  items: Map<string, { users: number; impressions: number; views: number; carts: number; purchases: number }>;
  /** By "one other", both directions. */
  pairs: Map<string, { weight: number; users: number }>;
  sumOf(id: string): number;
}

/** The definitions, without any cleverness. */
function countByHand(list: readonly ShopEvent[]): Hand {
  const items: Hand['items'] = new Map();
  const pairs: Hand['pairs'] = new Map();
  const idOf = (event: ShopEvent): string => String(event.event_attributes?.object.object_id);
  for (const id of new Set(list.map(idOf))) {
    const of = (...names: string[]): ShopEvent[] => list.filter((event) => idOf(event) === id && names.includes(event.action_name));
    const touched = of('click', 'view', 'add_to_cart', 'purchase');
    items.set(id, {
      users: new Set(touched.map(shopperOf)).size,
      impressions: of('impression').length,
      views: of('click', 'view').length,
      carts: of('add_to_cart').length,
      purchases: of('purchase').length,
    });
  }
  for (const shopper of new Set(list.map(shopperOf))) {
    const history = list.filter((event) => shopperOf(event) === shopper && event.action_name !== 'impression').map(idOf);
    const met = new Set<string>();
    history.forEach((id, at) =>
      history.slice(Math.max(0, at - 20), at).forEach((other, place, before) => {
        if (other === id) return;
        for (const pair of [`${id} ${other}`, `${other} ${id}`]) {
          const { weight, users } = pairs.get(pair) ?? { weight: 0, users: 0 };
          pairs.set(pair, { weight: weight + 0.8 ** (before.length - 1 - place), users: users + (met.has(pair) ? 0 : 1) });
          met.add(pair);
        }
      }),
    );
  }
  return {
    items,
    pairs,
    sumOf: (id) => [...pairs].reduce((sum, [pair, { weight }]) => (pair.startsWith(`${id} `) ? sum + weight : sum), 0),
  };
}
