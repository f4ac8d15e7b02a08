import { expect, it } from 'vitest';
import { openLog } from '../../sidecar/http/log.js';
import { openMetrics } from '../../sidecar/http/metrics.js';
import { observeSearches } from '../../sidecar/search-observer.js';
import { SearchClock } from '../../sidecar/walk/search-clock.js';

it('warns once a minute of a rule’s field that no hit of a list has, and of each reason for not ranking', () => {
  const lines: string[] = [];
  const log = openLog({ level: 'info', format: 'json' }, { write: (line) => void lines.push(line) });
  const observer = observeSearches(openMetrics({ processMetrics: false }), log);
  const ranked = { applied: true, reason: null, detail: null, clock: new SearchClock(), candidates: 40 };
  const unruled = { profile: 'shop', fields: ['brnd'] };
  observer.outcome(ranked);
  observer.outcome({ ...ranked, candidates: 3, unruled }); // too few to tell
  expect(lines).toEqual([]);
  for (let search = 0; search < 3; search++) observer.outcome({ ...ranked, unruled });
  observer.outcome({ ...ranked, unruled: { ...unruled, profile: 'other' } });
  const skipped = { ...ranked, applied: false, reason: 'budget' as const, detail: 'late', candidates: null };
  for (let search = 0; search < 3; search++) observer.outcome(skipped);
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ level: 'warn', profile: 'shop', fields: ['brnd'], hits: 40 }),
    expect.objectContaining({ profile: 'other' }),
    expect.objectContaining({ reason: 'budget', detail: 'late' }),
  ]);
});
