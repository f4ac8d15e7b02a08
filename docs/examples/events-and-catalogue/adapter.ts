// A shop's own two tables: products, and who did what to which of them when. Columns are named by flags.
import { z } from 'zod';
import { parseNumber } from '../../../tuning/formats/import-report.js';
import type { NextItem } from '../../../tuning/rows/next-item-query.js';
import { runWhenCalled, type Adapted, type Adapter, type AdapterFlag, type AdapterRun } from '../kit/adapter.js';
import { findSource, readCsvRows, refuse } from '../kit/source-rows.js';

const FLAGS: Readonly<Record<string, AdapterFlag>> = {
  catalogue: { about: 'CSV of the products, below SOURCE', default: 'products.csv' },
  events: { about: 'CSV of the events, below SOURCE', default: 'events.csv' },
  id: { about: 'column of the product id', default: 'id' },
  title: { about: 'column of the title', default: 'title' },
  description: { about: 'column of a longer text', default: null },
  brand: { about: 'column of the brand', default: null },
  category: { about: 'column of the category', default: null },
  'category-separator': { about: 'what stands between levels of the category, broad to narrow', default: '>' },
  price: { about: 'column of the price', default: null },
  image: { about: 'column of the picture, file or address', default: null },
  user: { about: 'column of the shopper, in the events', default: 'user_id' },
  item: { about: 'column of the product, in the events', default: 'item_id' },
  time: { about: 'column of the time: ISO 8601, or seconds or milliseconds since 1970', default: 'timestamp' },
  action: { about: 'column of the action (view, click, add_to_cart, purchase …); without it every event is a click', default: null },
  query: { about: 'column of what was typed before, if known', default: null },
};

/** Columns of the catalogue that become a member of their own name. */
const PLAIN = ['title', 'description', 'brand', 'image'] as const;
const MILLISECONDS_FROM = 1e11;

export const eventsAndCatalogue: Adapter = {
  name: 'events-and-catalogue',
  source: 'folder with products.csv and events.csv, or as --catalogue and --events say',
  flags: FLAGS,
  adapt: adaptTables,
};

async function adaptTables(run: AdapterRun): Promise<Adapted> {
  const items = await writeProducts(run);
  const { events, unknown } = await writeEvents(run, items);
  const has = (flag: string): boolean => run.flag(flag) !== null;
  const texts = ['title', ...['description', 'brand', 'category'].filter(has)].join(',');
  const roles = ['price', 'brand', 'category', 'image'].filter(has).map((role) => `--${role}-field ${role}`);
  return {
    indexFlags: ['--id-field id', `--text-fields ${texts}`, ...roles].join(' '),
    remarks: [
      ...(unknown > 0
        ? [
            `${unknown.toLocaleString('en')} of ${events.toLocaleString('en')} events name products that the catalogue lacks; they count nowhere`,
          ]
        : []),
      'the times are real: fuserank rows derive makes queries and judgments of them once they are imported',
    ],
  };
}

async function writeProducts({ source, output, flag }: AdapterRun): Promise<Map<string, NextItem>> {
  const file = findSource(source, [flag('catalogue') ?? '']);
  const idColumn = flag('id') ?? '';
  const columns = PLAIN.flatMap((name) => (flag(name) === null ? [] : [{ name, column: flag(name) ?? '' }]));
  const [categoryColumn, priceColumn, separator] = [flag('category'), flag('price'), flag('category-separator') ?? '>'];
  const named = [idColumn, ...columns.map(({ column }) => column), categoryColumn, priceColumn].filter((column) => column !== null);
  const items = new Map<string, NextItem>();
  const products = output.file('products.ndjson');
  for await (const { line, value } of readCsvRows(file, rowOf(named))) {
    const id = value[idColumn]?.trim() ?? '';
    if (id === '') throw refuse(file, line, `no ${idColumn}`);
    if (items.has(id)) throw refuse(file, line, `product ${id} comes twice`);
    const category = (categoryColumn === null ? '' : (value[categoryColumn] ?? ''))
      .split(separator)
      .map((level) => level.trim())
      .filter((level) => level !== '');
    const priceText = priceColumn === null ? '' : (value[priceColumn] ?? '');
    const price = priceText.trim() === '' ? null : parseNumber(priceText);
    if (priceText.trim() !== '' && price === null) throw refuse(file, line, `${priceColumn} "${priceText}" is not a number`);
    const texts = columns.flatMap(({ name, column }): [string, string][] => (value[column] ? [[name, value[column]]] : []));
    items.set(id, { id, title: value[flag('title') ?? ''] ?? null, category });
    await products.writeJson({
      id,
      ...Object.fromEntries(texts),
      ...(category.length > 0 ? { category } : {}),
      ...(price === null ? {} : { price }),
    });
  }
  if (items.size === 0) throw refuse(file, null, 'holds no product');
  return items;
}

async function writeEvents(
  { source, output, flag }: AdapterRun,
  items: ReadonlyMap<string, NextItem>,
): Promise<{ events: number; unknown: number }> {
  const file = findSource(source, [flag('events') ?? '']);
  const [user, item, time] = [flag('user') ?? '', flag('item') ?? '', flag('time') ?? ''];
  const [action, query] = [flag('action'), flag('query')];
  const named = [user, item, time, action, query].filter((column) => column !== null);
  const events = output.file('events.ndjson');
  let unknown = 0;
  for await (const { line, value } of readCsvRows(file, rowOf(named))) {
    const [userId, itemId, moment] = [value[user] ?? '', value[item] ?? '', readTime(value[time] ?? '')];
    if (userId === '' || itemId === '') throw refuse(file, line, `no ${userId === '' ? user : item}`);
    if (moment === null)
      throw refuse(file, line, `${time} "${value[time]}" is no time; write ISO 8601, or seconds or milliseconds since 1970`);
    if (!items.has(itemId)) unknown += 1;
    const typed = query === null ? '' : (value[query] ?? '');
    await events.writeJson({
      application: 'events-and-catalogue',
      action_name: (action === null ? '' : (value[action] ?? '')) || 'click',
      user_id: userId,
      timestamp: moment.toISOString(),
      ...(typed === '' ? {} : { user_query: typed }),
      event_attributes: { object: { object_id: itemId, object_id_field: 'id' } },
    });
  }
  if (events.lines === 0) throw refuse(file, null, 'holds no event');
  return { events: events.lines, unknown };
}

function rowOf(columns: readonly string[]): z.ZodObject<Record<string, z.ZodString>> {
  return z.object(Object.fromEntries(columns.map((column) => [column, z.string()])));
}

/** A time without a zone is UTC, wherever this runs. */
function readTime(text: string): Date | null {
  const number = parseNumber(text);
  const zoned = /[zZ]$|[+-]\d\d:?\d\d$|^\d{4}-\d\d-\d\d$/.test(text.trim()) ? text.trim() : `${text.trim().replace(' ', 'T')}Z`;
  const date = new Date(number === null ? zoned : number >= MILLISECONDS_FROM ? number : number * 1000);
  return Number.isNaN(date.getTime()) ? null : date;
}

await runWhenCalled(import.meta.url, eventsAndCatalogue);
