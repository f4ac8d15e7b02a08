import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../config/package-root.js';

const columnSchema = z.strictObject({
  name: z.string(),
  /** What the value depends on. */
  scope: z.enum(['query', 'item', 'user', 'query-item', 'user-item']),
  /** The part of an explanation that the column belongs to. */
  signal: z.enum(['first_phase', 'query_text', 'query_image', 'business', 'behaviour', 'history_text', 'history_image']),
  /** The value that stands for "not known". */
  missing: z.number(),
  /** The formula, for people; sidecar/columns.ts and models/training/columns.py compute it. */
  transform: z.string(),
  clip: z.tuple([z.number(), z.number()]),
});

const featureSetSchema = z.strictObject({
  version: z.literal(1),
  /** UBI action names → action id of `history_event`; any other name is 0. */
  actions: z.array(z.strictObject({ id: z.number().int().min(1), names: z.array(z.string()) })),
  /** In the order of the last axis of `columns`. */
  columns: z.array(columnSchema).min(1),
});

export type FeatureSet = z.output<typeof featureSetSchema>;
export type FeatureColumn = FeatureSet['columns'][number];

const written: unknown = JSON.parse(readFileSync(join(packageRoot, 'models', 'feature-set.json'), 'utf8'));

/** All columns that can be computed; one file for TypeScript and Python. New ones are appended, so that each ranker keeps its own. */
export const FEATURE_SET: FeatureSet = featureSetSchema.parse(written);

/** The names of all columns, in order. */
export const COLUMN_NAMES: readonly string[] = FEATURE_SET.columns.map(({ name }) => name);

const columnsByName = new Map(FEATURE_SET.columns.map((column) => [column.name, column] as const));

/** The definition of a column, or undefined for a name that the feature set does not have. */
export function findColumn(name: string): FeatureColumn | undefined {
  return columnsByName.get(name);
}

/**
 * SHA-256 of the feature set as it would be with just these columns, in this order, as JSON without white space. An artefact names
 * it beside its columns, so that neither their order nor their meaning can drift unseen.
 * @param names default: all columns
 * @throws Error for a name that the feature set does not have
 */
export function featureSetHash(names: readonly string[] = COLUMN_NAMES): string {
  const { version, actions } = FEATURE_SET;
  const columns = names.map((name) => {
    const column = findColumn(name);
    if (!column) throw new Error(`there is no column "${name}"; there are ${COLUMN_NAMES.join(', ')}`);
    return column;
  });
  return createHash('sha256').update(JSON.stringify({ version, actions, columns })).digest('hex');
}

/** {@link featureSetHash} of all columns, as logs and training rows carry it. */
export const FEATURE_SET_HASH: string = featureSetHash();

/**
 * A float32 of a column as JSON: the shortest text of the equal double, so that reading it back gives the same bits. JSON.stringify
 * alone would lose the sign of a negative zero.
 */
export function printColumn(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

const actionIds = new Map(FEATURE_SET.actions.flatMap((action) => action.names.map((name) => [name, action.id] as const)));

/** Action id of a UBI `action_name`; 0 for a name the feature set does not know. */
export function identifyAction(actionName: string): number {
  return actionIds.get(actionName.toLowerCase()) ?? 0;
}

/** The action id of a purchase. */
export const PURCHASE: number = identifyAction('purchase');
