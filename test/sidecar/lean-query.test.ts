import { describe, expect, it } from 'vitest';
import { withoutClauseInnerHits } from '../../sidecar/request/lean-query.js';

describe('a lean query', () => {
  it.each([
    ['{"nested":{"path":"v","inner_hits":{"size":3},"query":{"match_all":{}}}}', '{"nested":{"path":"v","query":{"match_all":{}}}}'],
    ['{"has_child": {"inner_hits": {}}}', '{"has_child": {}}'],
    [
      '{"bool":{"must":[1.0,{"nested":{"query":{"has_parent":{"inner_hits":{},"x":1e3}},"inner_hits":{}}}]}}',
      '{"bool":{"must":[1.0,{"nested":{"query":{"has_parent":{"x":1e3}}}}]}}',
    ],
    [
      '{"match":{"inner_hits":"x"},"script":{"params":{"inner_hits":{}}}}',
      '{"match":{"inner_hits":"x"},"script":{"params":{"inner_hits":{}}}}',
    ],
  ])('shows nothing that matched inside a hit, and is else as it was: %s', (query, lean) => {
    expect(withoutClauseInnerHits(query)).toBe(lean);
  });

  it('is written in one walk, however deep it nests', { timeout: 5_000 }, () => {
    const words = Array.from({ length: 1_000_000 }, () => '"a"').join(',');
    const deep = `{"nested":{"inner_hits":{},"query":${'['.repeat(190)}${words}${']'.repeat(190)}}}`;
    const started = performance.now();
    expect(withoutClauseInnerHits(deep)).toBe(deep.replace('"inner_hits":{},', ''));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
