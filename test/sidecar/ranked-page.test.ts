import { expect, test } from 'vitest';
import { PRODUCT } from '../../mappings/product-index.js';
import { namedOwnFields } from '../../sidecar/answer/ranked-page.js';

const nothing = new URLSearchParams();

test('our members are kept where the client names them, and only there', () => {
  expect([...namedOwnFields({ _source: ['title', PRODUCT.rankKey] }, nothing)]).toEqual([PRODUCT.rankKey]);
  expect([...namedOwnFields({ fields: [{ field: PRODUCT.contentHash }] }, nothing)]).toEqual([PRODUCT.contentHash]);
  expect([...namedOwnFields({ _source: true }, new URLSearchParams({ docvalue_fields: PRODUCT.rankKey }))]).toEqual([PRODUCT.rankKey]);
  expect([...namedOwnFields({ _source: true, query: { match_all: {} } }, nothing)]).toEqual([]);
});

test('a collapse names the field that it shows', () => {
  expect([...namedOwnFields({ collapse: { field: PRODUCT.groupKey } }, nothing)]).toEqual([PRODUCT.groupKey]);
});
