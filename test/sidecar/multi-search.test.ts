import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.js';
import type { Upstream } from '../../opensearch/upstream.js';
import { Admission } from '../../sidecar/walk/admission.js';
import { SearchRanker, type RankSearchDeps } from '../../sidecar/rank-search.js';
import { answerMultiSearch } from '../../sidecar/spellings/multi-search.js';

const config = configSchema.parse({ profiles: { shop: { index: 'shop*' } } });

/** Answers an `_msearch` over an engine that refuses it, and tells what was asked of the engine and of its indices. */
async function answer(body: Buffer, headers: Record<string, string> = {}): Promise<{ label: string; sent: string; described: number }> {
  const sent: string[] = [];
  let described = 0;
  const upstream: Upstream = {
    send: (request) => {
      sent.push(String(request.body));
      return Promise.resolve({ status: 400, headers: {}, body: Buffer.from('{}') });
    },
    stream: () => Promise.reject(new Error('nothing is streamed')),
    close: () => Promise.resolve(),
  };
  const stamps = {
    describe: () => {
      described += 1;
      return Promise.reject(new Error('no index'));
    },
  };
  const around = {
    config,
    upstream,
    stamps,
    admission: new Admission(),
    observe: { outcome: () => undefined },
    lists: null,
    searches: null,
  };
  // What lies behind an index that is not there is never asked.
  const ranker = new SearchRanker({ ...around, erased: { coverSince: () => false } } as unknown as RankSearchDeps);
  const call = {
    method: 'POST',
    rawUrl: '/shop/_msearch',
    index: 'shop',
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body,
    signal: new AbortController().signal,
  };
  const answered = await answerMultiSearch(call, { ranker, upstream, config }, { templates: false });
  return { label: String(answered.headers['x-fuserank']), sent: sent.join(''), described };
}

describe('an _msearch of many searches', () => {
  it('is looked at up to a number of them; beyond it goes on as it is, but for our members', async () => {
    const line = '{}\n{"size":1,"ext":{"fuserank":{"user_id":"u"}}}\n';
    const most = await answer(Buffer.from(line.repeat(500)));
    expect(most).toMatchObject({
      label: 'skipped; reason=engine_error,too_many_searches; items=0/500',
      sent: '{}\n{"size":1}\n'.repeat(500),
    });
    const more = await answer(Buffer.from(line.repeat(501)));
    expect(more).toEqual({ label: 'skipped; reason=too_many_searches', sent: '{}\n{"size":1}\n'.repeat(501), described: 0 });
  });

  it('listens for its client as often as it must, and Node does not take that for a leak', async () => {
    const warnings: Error[] = [];
    const heed = (warning: Error): void => void warnings.push(warning);
    process.on('warning', heed);
    await answer(Buffer.from('{}\n{}\n'.repeat(16)));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', heed);
    expect(warnings).toEqual([]);
  });

  it('takes no time that grows with what a packed body unpacks to', { timeout: 10_000 }, async () => {
    const packed = gzipSync(`{}\n{"fuserank":{}}\n${'{}\n{}\n'.repeat(1_300_000)}`);
    const { label, sent } = await answer(packed, { 'content-encoding': 'gzip' });
    expect(label).toBe('skipped; reason=too_many_searches');
    expect(sent.slice(0, 12)).toBe('{}\n{}\n{}\n{}\n');
  });
});
