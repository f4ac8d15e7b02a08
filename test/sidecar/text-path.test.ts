import { describe, expect, it } from 'vitest';
import type { Json } from '../../sidecar/json/value.js';
import { textAtPath } from '../../sidecar/request/text-path.js';

describe('the text at a path', () => {
  it.each<[string, Json, string, string | null]>([
    ['as it is written', { query: { match: { title: { query: 'red' } } } }, 'query.match.title.query', 'red'],
    ['in the short form', { query: { match: { title: 'red' } } }, 'query.match.title.query', 'red'],
    ['of the short form', { query: { match: { title: 'red' } } }, 'query.match.title', 'red'],
    ['in a list', { query: { bool: { must: [{ term: {} }, { match: { t: 'red' } }] } } }, 'query.bool.must.1.match.t', 'red'],
    [
      'in a list of one that is written as none',
      { query: { bool: { must: { match: { t: 'red' } } } } },
      'query.bool.must.0.match.t',
      'red',
    ],
    ['under a field with dots', { query: { match: { 'title.en': 'red' } } }, 'query.match.title.en', 'red'],
    ['of a term', { query: { term: { brand: 'acme' } } }, 'query.term.brand.value', 'acme'],
    ['that is none', { query: { match: { title: { query: 7 } } } }, 'query.match.title.query', null],
    ['that is not there', { query: { match_all: {} } }, 'query.match.title', null],
    ['past the end', { query: { match: { title: 'red' } } }, 'query.match.title.query.more', null],
    ['of a prototype', { query: {} }, 'query.constructor.name', null],
    ['beyond a list', { a: ['x'] }, 'a.length', null],
    ['of nothing', {}, '', null],
  ])('%s', (_, body, path, text) => {
    expect(textAtPath(body, path)).toBe(text);
  });

  it('is not looked for on an endless path', () => {
    expect(textAtPath({ a: 'x' }, `a${'.b'.repeat(600)}`)).toBeNull();
  });
});
