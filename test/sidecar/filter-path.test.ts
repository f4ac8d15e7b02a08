import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterWithin, keepsMember, parseFilterPath, printFilterPath, type FilterPath } from '../../sidecar/request/filter-path.js';

const parsed = (text: string): FilterPath => {
  const filter = parseFilterPath(text);
  if (!filter) throw new Error(`${text} filters nothing`);
  return filter;
};
const keeps = (text: string, path: string): boolean => keepsMember(parsed(text), path.split('.'));

describe('filter_path', () => {
  it.each<[filter: string, path: string, kept: boolean]>([
    ['hits', 'hits.hits._id', true],
    ['hits.hits', 'hits.hits._id', true],
    ['hits.hits._id', 'hits.hits._id', true],
    ['hits.hits._id', 'hits.hits._score', false],
    ['took, hits.hits', 'hits.hits._id', true],
    ['hits.hits._id.x', 'hits.hits._id', false],
    ['h*.*its._i*', 'hits.hits._index', true],
    ['h*.*its._i*', 'hits.hits._score', false],
    ['**._id', 'hits.hits._id', true],
    ['**.hits', 'hits', false],
    ['hits.**.hits', 'hits.hits._id', false],
    ['**._id', 'hits.hits._score', false],
    ['**', 'hits.hits._id', true],
    ['hits.**', 'hits.hits._id', true],
    ['hits.hits._id.**', 'hits.hits._id', false],
    ['*', 'hits.hits._id', true],
    ['-took', 'hits.hits._id', true],
    ['-hits', 'hits.hits._id', false],
    ['hits,-hits.hits._source', 'hits.hits._id', true],
    ['hits,-hits.hits._source', 'hits.hits._source', false],
    ['-**._id', 'hits.hits._id', false],
    ['a\\.b.c', 'a', false],
  ])('%s, of %s: %s', (filter, path, kept) => {
    expect(keeps(filter, path)).toBe(kept);
  });

  it('is none where nothing is named', () => {
    expect(parseFilterPath(null)).toBeNull();
    expect(parseFilterPath('')).toBeNull();
    expect(parseFilterPath(' , ')).toBeNull();
  });

  it.each<[string, string | null]>([
    ['responses', null],
    ['*', null],
    ['-took', null],
    ['responses.hits.hits', 'hits.hits'],
    ['res*.hits,took', 'hits'],
    ['**.hits', 'hits,**.hits'],
    ['**', null],
    ['responses,-responses.took', '-took'],
    ['-responses.hits.hits._source', '-hits.hits._source'],
    ['responses.a\\.b', 'a\\.b'],
  ])('%s, seen from inside the answers, is %s', (text, inside) => {
    const within = filterWithin(parsed(text), 'responses');
    expect(within && printFilterPath(within)).toBe(inside);
  });

  it('seen from inside keeps what it keeps from outside', () => {
    const name = fc.constantFrom('responses', 'hits', '_id', '*', '**', 'h*', '_*');
    const path = fc
      .tuple(fc.constantFrom('', '-'), fc.array(name, { minLength: 1, maxLength: 4 }))
      .map(([sign, parts]) => sign + parts.join('.'));
    const member = fc.array(fc.constantFrom('hits', '_id', '_score'), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 4 }), member, (paths, below) => {
        const filter = parsed(paths.join(','));
        const within = filterWithin(filter, 'responses');
        const inside = within === null || keepsMember(within, below);
        const outside = keepsMember(filter, ['responses', ...below]);
        return outside === inside;
      }),
    );
  });
});
