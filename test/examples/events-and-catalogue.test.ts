import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { eventsAndCatalogue } from '../../docs/examples/events-and-catalogue/adapter.js';
import { convertSource, makeFolder, refusalOf, writeSource } from './small-source.js';

const files = {
  'stock.csv': 'sku,name,path,euro\n10,"Cup, blue",Kitchen > Cups,4.50\n11,Jug,,\n',
  'log.csv': 'who,sku,when,what,typed\nann,10,2026-01-02 03:04:05,view,cup\nann,11,1767323046,purchase,\nbo,99,1767323046000,,\n',
};
const flags = {
  ...{ catalogue: 'stock.csv', events: 'log.csv', id: 'sku', title: 'name', category: 'path', price: 'euro' },
  ...{ user: 'who', item: 'sku', time: 'when', action: 'what', query: 'typed' },
};

describe('events-and-catalogue', () => {
  test('takes columns by the names that flags give', async () => {
    const { products, events, remarks, files: written } = await convertSource(eventsAndCatalogue, await writeSource(files), { flags });
    expect(written).toEqual(['events.ndjson', 'products.ndjson']);
    expect(products).toEqual([
      { id: '10', title: 'Cup, blue', category: ['Kitchen', 'Cups'], price: 4.5 },
      { id: '11', title: 'Jug' },
    ]);
    expect(events).toMatchObject([
      { user_id: 'ann', timestamp: '2026-01-02T03:04:05.000Z', action_name: 'view', user_query: 'cup' },
      { user_id: 'ann', timestamp: '2026-01-02T03:04:06.000Z', action_name: 'purchase' },
      { user_id: 'bo', timestamp: '2026-01-02T03:04:06.000Z', action_name: 'click', event_attributes: { object: { object_id: '99' } } },
    ]);
    expect(remarks[0]).toBe('1 of 3 events name products that the catalogue lacks; they count nowhere');
  });

  test.each([
    [{ 'stock.csv': 'sku,name,path,euro\n10,Cup,,4\n10,Cup,,4\n' }, 'stock.csv, line 3: product 10 comes twice'],
    [{ 'stock.csv': 'sku,name,path,euro\n10,Cup,,four\n' }, 'stock.csv, line 2: euro "four" is not a number'],
    [{ 'stock.csv': 'sku,name,path\n10,Cup,\n' }, 'stock.csv, line 1: no column euro; there are: sku, name, path'],
    [
      { 'log.csv': 'who,sku,when,what,typed\nann,10,soon,,\n' },
      'log.csv, line 2: when "soon" is no time; write ISO 8601, or seconds or milliseconds since 1970',
    ],
    [{ 'log.csv': 'who,sku,when,what,typed\n,10,2026-01-01,,\n' }, 'log.csv, line 2: no who'],
    [{ 'log.csv': 'who,sku,when,what,typed\n' }, 'log.csv: holds no event'],
  ])('refuses %j', async (broken, message) => {
    expect(await refusalOf(eventsAndCatalogue, await writeSource({ ...files, ...broken }), { flags })).toBe(message);
  });
});

describe('an adapter as a script', () => {
  const call = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'docs/examples/events-and-catalogue/adapter.ts', ...args], {
      cwd: packageRoot,
      encoding: 'utf8',
    });

  test('prints what it wrote and the commands that follow', async () => {
    const source = await writeSource({
      'products.csv': 'id,title\n1,Cup\n',
      'events.csv': 'user_id,item_id,timestamp\nann,1,2026-01-01\n',
    });
    const output = join(await makeFolder(), 'out');
    const { status, stdout, stderr } = call(source, output);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain(`wrote ${output}/products.ndjson: 1 lines`);
    expect(stdout).toContain(`npx fuserank index ${output}/products.ndjson --alias events-and-catalogue --id-field id --text-fields title`);
    expect(stdout).toContain(`npx fuserank events import ${output}/events.ndjson`);
  });

  test('ends with 2 for wrong flags and with 6 for a source that is none', async () => {
    const wrong = call('only-one');
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('usage: npx tsx docs/examples/events-and-catalogue/adapter.ts'),
    ]);
    expect(call('a', 'b', '--sed', '2').status).toBe(2);
    const missing = call(join(await makeFolder(), 'nowhere'), 'out');
    expect([missing.status, missing.stderr]).toEqual([6, expect.stringMatching(/nowhere: no such folder/)]);
  });
});
