import { expect, it } from 'vitest';
import { join } from 'node:path';
import { beauty } from '../../docs/examples/beauty/adapter.js';
import { esci } from '../../docs/examples/esci/adapter.js';
import { icecat } from '../../docs/examples/icecat/adapter.js';
import { ml1m } from '../../docs/examples/ml1m/adapter.js';
import { sports } from '../../docs/examples/sports/adapter.js';
import { ubiEventSchema } from '../../mappings/ubi-event.js';
import { describeWithData } from '../data-folder.js';
import { convertSource } from './small-source.js';

describeWithData('the packs, converted', (data) => {
  it('esci: 100 queries, all judgments', async () => {
    const { products, queries, judgments } = await convertSource(esci, join(data, 'esci'));
    expect([products.length, queries.length, judgments.length]).toEqual([6_764, 100, 4_458]);
  });

  it('icecat: every product', async () => {
    expect((await convertSource(icecat, join(data, 'icecat'))).products).toHaveLength(19_406);
  });

  it.each([
    [beauty, { products: 12_101, events: 176_139 - 22_363 }],
    [sports, { products: 18_357, events: 260_739 - 35_598 }],
    [ml1m, { products: 3_416, events: 989_466 - 6_040 }],
  ])('$name: no target is among its shopper’s events', { timeout: 300_000 }, async (adapter, counts) => {
    const { products, events, queries, judgments } = await convertSource(adapter, join(data, adapter.name), { queries: 2_000 });
    expect({ products: products.length, events: events.length }).toEqual(counts);
    expect(queries).toHaveLength(2_000);
    expect(ubiEventSchema.safeParse(events[0]).success).toBe(true);
    const targets = new Map(
      judgments.map((judgment) => judgment.split(' ')).map(([query = '', item]) => [query.replace('next-', ''), item]),
    );
    const met = events.filter(({ user_id, event_attributes }) => {
      const target = typeof user_id === 'string' ? targets.get(user_id) : undefined;
      return target !== undefined && JSON.stringify(event_attributes).includes(`"object_id":"${target}"`);
    });
    expect(met).toEqual([]);
  });
});
