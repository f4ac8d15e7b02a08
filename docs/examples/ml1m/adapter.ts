// The `ml1m` pack: MovieLens-1M as viewers' sequences, with plots as text and posters as pictures.
import { z } from 'zod';
import type { NextItem } from '../../../tuning/rows/next-item-query.js';
import { runWhenCalled, type Adapter, type AdapterRun, type Adapted } from '../kit/adapter.js';
import { readSequences } from '../kit/sequence-pack.js';
import { leaveLastOut, tellLastOut, writeShuffled, type ProductRow } from '../kit/shoppers.js';
import { findSource, readJsonRows, refuse } from '../kit/source-rows.js';

const filmSchema = z.object({
  id: z.int().transform(String),
  title: z.string(),
  year: z.int(),
  genres: z.array(z.string()),
  directors: z.array(z.string()),
  actors: z.array(z.string()),
  plot: z.string().nullable(),
  poster: z.boolean(),
});

export const ml1m: Adapter = {
  name: 'ml1m',
  source: 'folder with items.jsonl.gz, sequences.train.csv.gz (user, items oldest first) and posters/<id>.jpg',
  adapt: adaptFilms,
};

async function adaptFilms(run: AdapterRun): Promise<Adapted> {
  const filmFile = findSource(run.source, ['items.jsonl.gz', 'items.jsonl']);
  const sequenceFile = findSource(run.source, ['sequences.train.csv.gz', 'sequences.train.csv']);
  const items = new Map<string, NextItem>();
  const products: ProductRow[] = [];
  for await (const { line, value: film } of readJsonRows(filmFile, filmSchema)) {
    if (items.has(film.id)) throw refuse(filmFile, line, `film ${film.id} comes twice`);
    const { id: number, poster, genres, plot, ...plain } = film;
    const id = `film-${number}`;
    items.set(number, { id, title: film.title, category: genres });
    products.push({
      id,
      ...plain,
      ...(plot === null ? {} : { plot }),
      category: genres,
      ...(poster ? { image: `posters/${number}.jpg` } : {}),
    });
  }
  await writeShuffled(run.output.file('products.ndjson'), products);
  const byId = new Map([...items.values()].map((item) => [item.id, item]));
  const shoppers = readSequences(sequenceFile, { application: 'ml1m', items });
  const counts = await leaveLastOut(shoppers, { ...run, application: 'ml1m', action: 'view', items: byId });
  return {
    indexFlags:
      `--id-field id --text-fields title,plot,directors,actors,category --vector-fields title,plot ` +
      `--category-field category --image-field image --image-folder ${run.source}`,
    remarks: [...tellLastOut(counts, { timed: false }), 'genres have no order from broad to narrow: the last one is the derived query'],
  };
}

await runWhenCalled(import.meta.url, ml1m);
