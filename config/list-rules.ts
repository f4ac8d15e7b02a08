import { z } from 'zod';

/** A product id; YAML and shops write numbers as well. */
const productId = z.union([z.string().min(1).max(512), z.number().int().transform(String)]);

/** Text of the queries that a rule is for: compared without case and outer blanks, `*` stands for any text. Absent: every query. */
const queryPattern = z.string().min(1).max(500).optional();

/** Products that stand at a place of the list. */
export const pinSchema = z.strictObject({
  query: queryPattern,
  ids: z.array(productId).min(1).max(50),
  /** Place of the first of them, counted from 1; the others follow it. */
  position: z.number().int().min(1).max(1000).default(1),
});
export type Pin = z.output<typeof pinSchema>;

/** Products that a search does not find. */
export const exclusionSchema = z.strictObject({ query: queryPattern, ids: z.array(productId).min(1).max(1000) });
export type Exclusion = z.output<typeof exclusionSchema>;

/** Rules against a list of the same; null = none. */
export const diversitySchema = z
  .strictObject({
    /** Of hits with the same value of a field, so many stay where they are; the others go behind all that do. */
    maxPerGroup: z
      .strictObject({
        /** A field with doc values, such as one that can be collapsed on. */
        field: z.string().min(1),
        max: z.number().int().min(1).max(1000),
      })
      .nullable()
      .default(null),
    /** Maximal marginal relevance over the top of the list. */
    mmr: z
      .strictObject({
        /** 1 = relevance alone, 0 = difference alone. */
        lambda: z.number().min(0).max(1).default(0.7),
        /** Hits from the top that are chosen among. */
        depth: z.number().int().min(2).max(100).default(50),
      })
      .nullable()
      .default(null),
    /** Room at the top for hits that a ranker would keep down, such as new products or small sellers. */
    floor: z
      .strictObject({
        /** A field with doc values. */
        field: z.string().min(1),
        /** What it holds for those who are given room. */
        values: z
          .array(z.union([z.string().max(512), z.number(), z.boolean()]).transform(String))
          .min(1)
          .max(1000),
        /** Of each beginning of the list, up to `depth` places, at least this share is theirs. */
        share: z.number().gt(0).max(1),
        depth: z.number().int().min(1).max(100).default(24),
        /** No hit is moved further than so many places. */
        maxDisplacement: z.number().int().min(1).max(100).default(12),
      })
      .nullable()
      .default(null),
  })
  .nullable();
export type Diversity = NonNullable<z.output<typeof diversitySchema>>;
