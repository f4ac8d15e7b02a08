import { dirname, resolve } from 'node:path';
import type { EvaluatedQuery } from './formats/queries/queries.js';
import { readQueryPicture } from './query-picture.js';

/**
 * What the sidecar is told of a query beside its body: members of `ext.fuserank`.
 * @param folder what a relative picture path starts from
 * @throws PictureUnavailable
 */
export async function describeQuery(
  { query, image, user_id, session_id, history }: EvaluatedQuery,
  folder: string,
): Promise<Record<string, unknown>> {
  return {
    ...(query === null ? {} : { query_text: query }),
    ...(image === undefined ? {} : { query_image: { format: 'base64', value: await readQueryPicture(image, folder) } }),
    ...(user_id === undefined ? {} : { user_id }),
    ...(session_id === undefined ? {} : { session_id }),
    ...(history === undefined ? {} : { history }),
  };
}

/** What relative picture paths of a query set start from; `-` is stdin. */
export function pictureFolder(queries: string): string {
  return queries === '-' ? process.cwd() : dirname(resolve(queries));
}
