/** A vector field that the node at hand cannot hold. */
export class UnsafeVectors extends Error {
  override readonly name = 'UnsafeVectors';
}

/**
 * The local node carries k-NN without native libraries: the first write to a faiss field, or to a vector field without a
 * method (which means faiss), ends its process. So such a body is refused before it is sent.
 * @param body index-creation body, mapping or component template
 * @throws UnsafeVectors naming the field and the fix
 */
export function refuseUnsafeVectors(body: unknown, options: { localNode: boolean }): void {
  if (!options.localNode) return;
  for (const { path, field } of vectorFields(body, [])) {
    const engine = engineOf(field);
    if (engine === 'lucene') continue;
    const found = engine === null ? 'has no method, which means faiss' : `uses the engine ${engine}`;
    throw new UnsafeVectors(
      `vector field "${path}" ${found}; the local node has no native libraries and would die at the first write. ` +
        'Set index.engine to lucene, or point opensearch.nodes at a cluster with the full k-NN plugin.',
    );
  }
}

function engineOf(field: Record<string, unknown>): string | null {
  const method = field['method'];
  if (!isRecord(method)) return null;
  const engine = method['engine'];
  return typeof engine === 'string' ? engine : null;
}

function* vectorFields(value: unknown, path: readonly string[]): Generator<{ path: string; field: Record<string, unknown> }> {
  if (!isRecord(value)) return;
  if (value['type'] === 'knn_vector') yield { path: path.filter((step) => step !== 'properties').join('.'), field: value };
  for (const [key, inner] of Object.entries(value)) {
    if (key !== '_meta') yield* vectorFields(inner, ['mappings', 'template'].includes(key) ? path : [...path, key]);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
