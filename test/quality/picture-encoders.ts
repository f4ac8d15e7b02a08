import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { findSource, readCsvRows, readJsonRows } from '../../docs/examples/kit/source-rows.js';
import type { ImageEncoder } from '../../models/image-encoder.js';
import { decodePicture, type Pixels } from '../../models/picture-decoder.js';
import { meanOf } from '../../tuning/significance/bootstrap.js';
import { dot } from './alignment.js';

const NEAREST = 10;
const BATCH = 32;

/** What a picture encoder is worth on pictures that the built-in one was not trained on. */
export interface PictureQuality {
  /** Share of the class among the ten nearest of the held-out clothing photos. */
  readonly clothing: number;
  readonly clothingPhotos: number;
  /** Shelf photos of unseen classes whose first of all shop pictures is their product. */
  readonly grocery: number;
  readonly groceryPhotos: number;
  /** CPU of decoded pictures, ms each. */
  readonly cpuMs: number;
}

/** The rules of models/training/train_picture_encoder.py. */
const heldOutPhoto = (id: string): boolean => (createHash('sha256').update(id).digest()[0] ?? 0) % 3 === 0;
const heldOutClass = (id: number): boolean => id % 3 === 0;

export async function measurePictures(data: string, encoder: ImageEncoder): Promise<PictureQuality> {
  const clock = { cpuMs: 0, pictures: 0 };
  const clothing = await readClothing(join(data, 'clothing'));
  const clothes = await encodeFiles(
    encoder,
    clothing.map(({ file }) => file),
    clock,
  );
  const shares = clothing.map(({ label }, own) => {
    const scores = clothes.map((vector, place) => ({ place, score: place === own ? -Infinity : dot(vector, clothes[own] ?? vector) }));
    const nearest = scores.sort((a, b) => b.score - a.score).slice(0, NEAREST);
    return nearest.filter(({ place }) => clothing[place]?.label === label).length / NEAREST;
  });
  const { products, photos } = await readGroceries(join(data, 'grocery'));
  const shelf = await encodeFiles(
    encoder,
    photos.map(({ file }) => file),
    clock,
  );
  const shop = await encodeFiles(
    encoder,
    products.map(({ file }) => file),
    clock,
  );
  const hits = photos.filter(({ product }, photo) => {
    const scores = shop.map((vector) => dot(vector, shelf[photo] ?? vector));
    return products[scores.indexOf(Math.max(...scores))]?.id === product;
  });
  return {
    clothing: meanOf(shares),
    clothingPhotos: clothing.length,
    grocery: hits.length / photos.length,
    groceryPhotos: photos.length,
    cpuMs: clock.cpuMs / clock.pictures,
  };
}

async function encodeFiles(
  encoder: ImageEncoder,
  files: readonly string[],
  clock: { cpuMs: number; pictures: number },
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (let start = 0; start < files.length; start += BATCH) {
    const pictures: Pixels[] = [];
    for (const file of files.slice(start, start + BATCH)) pictures.push(await decodePicture(await readFile(file)));
    const began = process.cpuUsage();
    vectors.push(...(await encoder.encode(pictures)));
    const { user, system } = process.cpuUsage(began);
    clock.cpuMs += (user + system) / 1_000;
    clock.pictures += pictures.length;
  }
  return vectors;
}

async function readClothing(folder: string): Promise<{ file: string; label: string }[]> {
  const rows: { file: string; label: string }[] = [];
  for await (const { value } of readCsvRows(findSource(folder, ['labels.csv']), z.object({ id: z.string(), label: z.string() }))) {
    if (heldOutPhoto(value.id)) rows.push({ file: join(folder, 'images', `${value.id}.jpg`), label: value.label });
  }
  return rows;
}

async function readGroceries(
  folder: string,
): Promise<{ products: { id: string; file: string }[]; photos: { product: string; file: string }[] }> {
  const products: { id: string; file: string }[] = [];
  for await (const { value } of readJsonRows(findSource(folder, ['products.jsonl.gz', 'products.jsonl']), z.object({ id: z.string() }))) {
    products.push({ id: value.id, file: join(folder, 'images', `${value.id}.jpg`) });
  }
  const photos: { product: string; file: string }[] = [];
  const photoRow = z.object({ id: z.string(), product_id: z.string(), class_id: z.coerce.number() });
  for await (const { value } of readCsvRows(findSource(folder, ['photos.csv']), photoRow)) {
    if (heldOutClass(value.class_id)) photos.push({ product: value.product_id, file: join(folder, 'photos', `${value.id}.jpg`) });
  }
  return { products, photos };
}
