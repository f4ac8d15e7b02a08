import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { ERRORS } from '../../sidecar/http/errors.js';
import { hashUserId, openLog, prettyLine } from '../../sidecar/http/log.js';
import { openMetrics } from '../../sidecar/http/metrics.js';
import { call, errorOf, openEngine, openRig, speak } from './http-rig.js';

let engine: Awaited<ReturnType<typeof openEngine>>;
let rig: Awaited<ReturnType<typeof openRig>>;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fuserank-ui-'));
  mkdirSync(join(folder, 'page'));
  mkdirSync(join(folder, 'pictures'));
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'page', 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(folder, 'page', 'app.js'), 'export {};');
  writeFileSync(join(folder, 'page', '.env'), 'secret');
  writeFileSync(join(folder, 'pictures', 'mug 1.png'), 'png');
  engine = await openEngine();
  rig = await openRig({
    engineUrl: engine.url,
    dependencies: {
      ui: {
        folder: join(folder, 'page'),
        mounts: [{ path: 'pictures', folder: join(folder, 'pictures') }],
        readSettings: () => ({ title: 'shop' }),
      },
    },
  });
});
afterAll(async () => {
  await rig.close();
  engine.close();
});

describe('the page', () => {
  test('is served with a strict policy', async () => {
    const page = await call(rig.url, '/ui/');
    expect(page.status).toBe(200);
    expect(page.text).toContain('<title>page</title>');
    expect(page.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-type': 'text/html; charset=utf-8',
    });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect((await call(rig.url, '/ui/app.js')).headers['content-type']).toMatch(/javascript/);
    expect(await call(rig.url, '/ui')).toMatchObject({ status: 308, headers: { location: '/ui/' } });
  });

  test('knows its settings and its mounts', async () => {
    expect(JSON.parse((await call(rig.url, '/ui/settings.json')).text)).toEqual({ title: 'shop' });
    expect((await call(rig.url, '/ui/pictures/mug%201.png')).text).toBe('png');
  });

  test.each(['/ui/nothing.js', '/ui/.env', '/ui/pictures/', '/ui/pictures/nothing.png'])('%s is not found, in words', async (path) => {
    expect(errorOf(await call(rig.url, path))).toMatchObject({ status: 404, type: 'resource_not_found_exception' });
  });

  test.each([
    '/ui/../secret.txt',
    '/ui/%2e%2e/secret.txt',
    '/ui/..%2fsecret.txt',
    '/ui/pictures/../../secret.txt',
    '/ui/%252e%252e/secret.txt',
    '/ui/..\\secret.txt',
  ])('%s does not leave the folder', async (path) => {
    const answer = await speak(rig.url, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).not.toContain('secret\r\n');
  });

  test('takes no writes; absent where there is none', async () => {
    expect((await call(rig.url, '/ui/', { method: 'POST' })).status).toBe(405);
    const bare = await openRig({ engineUrl: engine.url });
    expect((await call(bare.url, '/ui/')).status).toBe(404);
    await bare.close();
  });
});

describe('the admin port', () => {
  test('tells what is known of a user and erases it; no id is logged', async () => {
    const id = 'shy/user ü@example.com';
    const path = `/v1/users/${encodeURIComponent(id)}`;
    expect(JSON.parse((await call(rig.adminUrl, path)).text)).toEqual({ user: id, events: [], queries: [], truncated: false });
    expect(JSON.parse((await call(rig.adminUrl, path, { method: 'DELETE' })).text)).toEqual({ erased: { events: 1, queries: 0 } });
    expect(rig.erased).toEqual([id]);
    const line = rig.logged.find((one) => one.includes('user erased'));
    expect(line).toContain(hashUserId(id));
    expect(JSON.parse(line ?? '')).toMatchObject({ audit: 'user_erasure', by: null, events: 1, queries: 0, everywhere: true });
    expect(rig.logged.some((one) => one.includes('user_export'))).toBe(true);
    expect(rig.logged.join()).not.toContain('example.com');
  });

  test('an erasure that not all sidecars were told of is said to be so, and audited', async () => {
    const alone = await openRig({
      engineUrl: engine.url,
      dependencies: {
        store: {
          record: () => Promise.resolve(),
          recordQueries: () => Promise.resolve(),
          exportUser: () => Promise.reject(new Error()),
          erase: (id) =>
            id === 'u'
              ? Promise.resolve({ events: 1, queries: 2, user: 'hash', untold: new Error('no permissions') })
              : Promise.reject(new Error()),
        },
      },
    });
    const answer = await call(alone.adminUrl, '/v1/users/u', { method: 'DELETE' });
    expect(errorOf(answer)).toMatchObject({ status: 503, reason: expect.stringMatching(/erase again/) as string });
    expect(alone.logged.join()).toContain('"user":"hash","events":1,"queries":2,"everywhere":false');
    expect((await call(alone.adminUrl, '/v1/users/canary', { method: 'DELETE' })).status).toBe(500);
    expect(alone.logged.join()).toContain('user not erased');
    expect(alone.logged.join()).not.toContain('canary');
    await alone.close();
  });

  test('its routes are not on the public port, the public ones not on it', async () => {
    expect((await call(rig.url, '/metrics', { method: 'DELETE' })).status).toBe(403);
    expect((await call(rig.url, '/v1/users/u', { method: 'DELETE' })).status).toBe(404);
    expect((await call(rig.adminUrl, '/a/_search')).status).toBe(404);
    expect((await call(rig.adminUrl, '/readyz')).status).toBe(200);
    expect(rig.erased).toHaveLength(1);
  });

  test('a name that is not loopback’s is refused, whatever address it leads to', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1:9090'])
      expect((await call(rig.adminUrl, '/metrics', { headers: { host } })).status).toBe(403);
    for (const host of ['localhost:9090', '127.0.0.1', '[::1]:9090'])
      expect((await call(rig.adminUrl, '/metrics', { headers: { host } })).status).toBe(200);
  });

  test('metrics: every name is ours, every label from a list, however odd the requests', async () => {
    for (let count = 0; count < 50; count++) await call(rig.url, `/index-${count}/_count`, { method: count % 2 ? 'GET' : 'PUT' });
    const metrics = await call(rig.adminUrl, '/metrics');
    expect(metrics.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    const names = new Set(
      metrics.text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => /^[a-zA-Z_:][\w:]*/.exec(line)?.[0]),
    );
    for (const name of names) expect(name).toMatch(/^fuserank_/);
    expect(metrics.text).not.toContain('index-7');
    const series = metrics.text.split('\n').filter((line) => line.startsWith('fuserank_http_request_duration_seconds_count'));
    expect(series.length).toBeLessThan(20);
  });
});

describe('what is counted', () => {
  test('each observation has its series', async () => {
    const metrics = openMetrics();
    metrics.observeRequest({ route: 'search', method: 'BREW', status: 200, durationMs: 2 });
    metrics.observeRank({ outcome: 'applied' });
    metrics.observeRank({ outcome: 'skipped', reason: 'budget' });
    metrics.observeStage('score', 1.5);
    metrics.observeCandidates(200);
    metrics.observeEvents('events', 'stored', 3);
    metrics.countScorerRestart('exit');
    metrics.setDegraded(true);
    metrics.setInflight(4);
    metrics.setScorers({ ready: 1, queued: 2 });
    metrics.setModels([{ name: 'm', sha256: 'abcdef0123456789' }]);
    const { text } = await metrics.render();
    for (const line of [
      'fuserank_http_request_duration_seconds_count{route="search",method="other",status="200"} 1',
      'fuserank_rank_total{outcome="applied",reason="none"} 1',
      'fuserank_rank_total{outcome="skipped",reason="budget"} 1',
      'fuserank_stage_duration_seconds_sum{stage="score"} 0.0015',
      'fuserank_candidates_sum 200',
      'fuserank_events_total{kind="events",outcome="stored"} 3',
      'fuserank_scorer_restarts_total{cause="exit"} 1',
      'fuserank_degraded 1',
      'fuserank_inflight 4',
      'fuserank_scorers_ready 1',
      'fuserank_scorer_queue_depth 2',
      'fuserank_model_info{name="m",sha256="abcdef012345"} 1',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).toContain('fuserank_nodejs_eventloop_lag_seconds');
  });
});

describe('the log', () => {
  test('keeps secrets to itself, at whatever depth people log them', () => {
    const lines: string[] = [];
    const log = openLog({ level: 'info', format: 'json' }, { write: (line) => void lines.push(line) });
    const secrets = {
      authorization: 'canary',
      cookie: 'canary',
      'set-cookie': 'canary',
      'proxy-authorization': 'canary',
      'x-api-key': 'canary',
      password: 'canary',
      token: 'canary',
    };
    log.info({ ...secrets, headers: secrets, request: { headers: secrets } }, 'seen');
    log.debug('not at info');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('canary');
  });

  test('no request of a shopper leaves its words, its user or its headers in it', async () => {
    await call(rig.url, '/shop/_search?q=canaryquery', {
      method: 'POST',
      headers: { authorization: 'canaryauth', 'x-fuserank-user': 'canaryuser' },
      body: '{"query":{"match":{"t":"canarybody"}}}',
    });
    await call(rig.url, '/shop/_doc/canarydoc', { method: 'PUT' });
    expect(rig.logged.join()).not.toContain('canary');
  });

  test('can be read by people', () => {
    expect(prettyLine('{"level":"warn","time":0,"reason":"budget","count":2,"msg":"searches are not ranked"}\n')).toBe(
      '00:00:00 warn  searches are not ranked reason=budget count=2\n',
    );
  });

  test('a user’s hash is the same each time, and no plain digest', () => {
    expect(hashUserId('u')).toBe(hashUserId('u'));
    expect(hashUserId('u')).not.toBe(hashUserId('v'));
    expect(hashUserId('u')).toHaveLength(12);
  });
});

describe('docs/reference/http.md', () => {
  const page = readFileSync(join(packageRoot, 'docs', 'reference', 'http.md'), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => /^\| `[a-z_]+` +\| \d{3} /.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

  test('lists every error as the table has it, and no other', () => {
    const documented = rows.map(([code, status, type, message]) => ({
      code: code?.replaceAll('`', ''),
      status: Number(status),
      type: type?.replaceAll('`', ''),
      message,
    }));
    const actual = Object.entries(ERRORS).map(([code, { status, type, message }]) => ({
      code,
      status,
      type,
      message: message.replace('%s', '…'),
    }));
    expect(documented).toEqual(actual);
  });

  test('names every metric', async () => {
    const metrics = openMetrics({ processMetrics: false });
    const { text } = await metrics.render();
    for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) expect(page).toContain(`\`${name}\``);
  });
});
