import { PRODUCT } from '../../mappings/product-index.js';
import type { Product } from '../catalogue.js';

/** What we add to a product. */
export interface OwnFields {
  contentHash: string;
  groupKey: string | null;
  textVector: Float32Array | null;
  imageVector: Float32Array | null;
}

/**
 * The stored document: the shop's JSON text untouched, our members behind its own. The text is never parsed and printed
 * again, so numbers above 2^53 and the order of members survive.
 */
export function writeDocument(product: Pick<Product, 'id' | 'source'>, own: OwnFields): string {
  const members = [`"${PRODUCT.rankKey}":${JSON.stringify(product.id)}`, `"${PRODUCT.contentHash}":${JSON.stringify(own.contentHash)}`];
  if (own.groupKey !== null) members.push(`"${PRODUCT.groupKey}":${JSON.stringify(own.groupKey)}`);
  if (own.textVector) members.push(`"${PRODUCT.textVector}":${printVector(own.textVector)}`);
  if (own.imageVector) members.push(`"${PRODUCT.imageVector}":${printVector(own.imageVector)}`);
  const body = product.source.slice(0, product.source.lastIndexOf('}')).trimEnd();
  return `${body}${body === '{' ? '' : ','}${members.join(',')}}`;
}

/** Seven decimals: an error below 1e-7 on a unit vector, and two thirds of the bytes of full precision. */
function printVector(vector: Float32Array): string {
  return `[${Array.from(vector, (value) => Math.round(value * 1e7) / 1e7).join(',')}]`;
}
