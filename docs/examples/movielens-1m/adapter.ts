// MovieLens-1M as GroupLens publishes it: ratings.dat and movies.dat, cells between `::`, Latin-1.
import type { NextItem } from '../../../tuning/rows/next-item-query.js';
import { runWhenCalled, type Adapted, type Adapter, type AdapterRun } from '../kit/adapter.js';
import { leaveLastOut, tellLastOut, writeShuffled, type ProductRow } from '../kit/shoppers.js';
import { findSource, readSeparatedRows, refuse } from '../kit/source-rows.js';
import { TimedLog } from '../kit/timed-log.js';

export const movielens: Adapter = {
  name: 'movielens-1m',
  source: 'folder with ratings.dat (user::film::rating::seconds) and movies.dat (film::title (year)::genres)',
  adapt: adaptRatings,
};

async function adaptRatings(run: AdapterRun): Promise<Adapted> {
  const filmFile = findSource(run.source, ['movies.dat']);
  const ratingFile = findSource(run.source, ['ratings.dat']);
  const items = new Map<string, NextItem>();
  const products: ProductRow[] = [];
  for await (const { line, value } of readSeparatedRows(filmFile, { separator: '::', cells: 3, encoding: 'windows-1252' })) {
    const [id = '', titled = '', genres = ''] = value;
    if (items.has(id)) throw refuse(filmFile, line, `film ${id} comes twice`);
    const { title, year } = splitTitle(titled);
    const category = genres.split('|');
    items.set(id, { id, title, category });
    products.push({ id, title, category, ...(year === null ? {} : { year }) });
  }
  const log = new TimedLog();
  for await (const { line, value } of readSeparatedRows(ratingFile, { separator: '::', cells: 4, encoding: 'utf-8' })) {
    const [user = '', film = '', , time = ''] = value;
    if (!items.has(film)) throw refuse(ratingFile, line, `film ${film} is not in movies.dat`);
    if (!/^\d+$/.test(time)) throw refuse(ratingFile, line, `"${time}" is no time in seconds since 1970`);
    log.add(user, film, Number(time));
  }
  await writeShuffled(run.output.file('products.ndjson'), products);
  const counts = await leaveLastOut(log.shoppers(), { ...run, application: 'movielens-1m', action: 'view', items });
  return {
    indexFlags: '--id-field id --text-fields title,category --category-field category',
    remarks: [
      ...tellLastOut(counts, { timed: true }),
      'a rating, however low, stands for a view; times are those of rating, many of them in one sitting',
      'genres have no order from broad to narrow: the last one is the derived query',
    ],
  };
}

/** `Matrix, The (1999)` as people type it. */
function splitTitle(titled: string): { title: string; year: number | null } {
  const dated = /^(.*) \((\d{4})\)$/.exec(titled);
  const plain = dated?.[1] ?? titled;
  const inverted = /^(.*), (The|A|An|Les?|La|Il|El|Das|Der|Die)$/.exec(plain);
  return { title: inverted ? `${inverted[2]} ${inverted[1]}` : plain, year: dated ? Number(dated[2]) : null };
}

await runWhenCalled(import.meta.url, movielens);
