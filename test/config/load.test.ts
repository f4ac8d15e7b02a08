import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameVariable } from '../../config/environment.js';
import { ConfigError, findConfigFile, loadConfig, type ConfigSources } from '../../config/load.js';
import { countEdits, nearestName } from '../../config/nearest-name.js';
import { listSettings } from '../../config/schema-shape.js';
import { configSchema } from '../../config/schema.js';

function write(text: string, name = 'fuserank.yaml'): string {
  const file = join(mkdtempSync(join(tmpdir(), 'fuserank-config-')), name);
  writeFileSync(file, text);
  return file;
}

function faultsOf(sources: ConfigSources): string[] {
  try {
    loadConfig({ env: {}, ...sources });
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

describe('where a setting comes from', () => {
  test('nothing given: the defaults', () => {
    const config = loadConfig({ env: {} });
    expect(config.server.port).toBe(8080);
    expect(config.opensearch.auth).toEqual({ type: 'none' });
    expect(config).toEqual(configSchema.parse({}));
  });

  test('a flag beats the environment, which beats the file, which beats the default', () => {
    const file = write('server: {port: 1, adminPort: 2, maxInflight: 3}');
    const env = { FUSERANK_SERVER_PORT: '11', FUSERANK_SERVER_ADMIN_PORT: '12' };
    const config = loadConfig({ file, env, flags: { server: { port: 21, host: undefined } } });
    expect(config.server).toMatchObject({ port: 21, adminPort: 12, maxInflight: 3, host: '127.0.0.1' });
  });

  test('variables are read as their setting wants them', () => {
    const file = write('profiles: {shop-main: {index: "products*"}}');
    const env = {
      FUSERANK_OPENSEARCH_NODES: 'http://a:9200, http://b:9200',
      FUSERANK_DISPLAY_FIELDS: '["brand","price"]',
      FUSERANK_PROXY_ALLOW_WRITES: 'true',
      FUSERANK_OPENSEARCH_TIMEOUT_MS: 'null',
      FUSERANK_INDEX_BULK_BYTES: '1mb',
      FUSERANK_SCORER_PROCESSES: 'auto',
      FUSERANK_PROFILES_SHOP_MAIN_BLEND: '0.5',
      FUSERANK_OPENSEARCH_AUTH_TYPE: 'basic',
      FUSERANK_OPENSEARCH_AUTH_USERNAME: '12345',
      FUSERANK_OPENSEARCH_AUTH_PASSWORD: 'true',
    };
    const config = loadConfig({ file, env });
    expect(config.opensearch.nodes).toEqual(['http://a:9200', 'http://b:9200']);
    expect(config.display.fields).toEqual(['brand', 'price']);
    expect(config.proxy.allowWrites).toBe(true);
    expect(config.opensearch.timeoutMs).toBeNull();
    expect(config.index.bulk.bytes).toBe(1024 ** 2);
    expect(config.scorer.processes).toBe('auto');
    expect(config.profiles['shop-main']?.blend).toBe(0.5);
    expect(config.opensearch.auth).toEqual({ type: 'basic', username: '12345', password: 'true' });
  });

  test('every scalar setting has a variable of its own', () => {
    const names = listSettings(configSchema).map(({ path }) => nameVariable(path));
    expect(new Set(names).size).toBe(names.length);
  });

  test('${VAR}, ${VAR:-default} and the escape', () => {
    const file = write('server: {host: "${HOST}", port: "${PORT:-81}"}\nindex: {alias: "${A:-x}-${B:-y}", id: "$${id}"}');
    const config = loadConfig({ file, env: { HOST: '0.0.0.0', B: 'z', A: '' } });
    expect(config.server).toMatchObject({ host: '0.0.0.0', port: 81 });
    expect(config.index).toMatchObject({ alias: 'x-z', id: '${id}' });
  });

  test('a secret is read from the file that its twin names, beside the configuration', () => {
    const file = write('opensearch: {auth: {type: basic, username: u, passwordFile: secret}}');
    writeFileSync(join(file, '..', 'secret'), 's3cret\n');
    expect(loadConfig({ file, env: {} }).opensearch.auth).toEqual({ type: 'basic', username: 'u', password: 's3cret' });
    const env = { FUSERANK_OPENSEARCH_AUTH_TYPE: 'bearer', FUSERANK_OPENSEARCH_AUTH_TOKEN_FILE: join(file, '..', 'secret') };
    expect(loadConfig({ file, env }).opensearch.auth).toEqual({ type: 'bearer', token: 's3cret' });
  });

  test('… in a list, too', () => {
    const file = write('server: {tokens: [{name: a, tokenFile: secret, scopes: [events]}]}');
    writeFileSync(join(file, '..', 'secret'), 'a-secret-0123456789\n');
    expect(loadConfig({ file, env: {} }).server.tokens).toEqual([{ name: 'a', token: 'a-secret-0123456789', scopes: ['events'] }]);
  });

  test('the usual file is found, the named one comes first', () => {
    const file = write('');
    expect(findConfigFile(join(file, '..'), {})).toBe(file);
    expect(findConfigFile(join(file, '..'), { FUSERANK_CONFIG: 'other.yaml' })).toBe(join(file, '..', 'other.yaml'));
    expect(findConfigFile(join(file, '..', 'nowhere'), {})).toBeUndefined();
  });
});

describe('what is wrong is said at once, with the path and the fix', () => {
  test('several faults, one message', () => {
    const file = write(
      'sever: {port: 1}\nserver: {prot: 1, port: 70000}\nprofiles: {p: {index: "a*", blned: 1, blend: 2, pins: [{idz: [a]}]}}\nopensearch: {nodes: [ftp://x]}',
    );
    const faults = faultsOf({ file, env: { FUSERANK_SERVER_PROT: '1' } });
    expect(faults).toEqual(
      expect.arrayContaining([
        'sever: unknown key; did you mean server?',
        'server.prot: unknown key; did you mean server.port?',
        'profiles.p.blned: unknown key; did you mean profiles.p.blend?',
        'profiles.p.pins.0.idz: unknown key; did you mean profiles.p.pins.0.ids?',
        'opensearch.nodes.0: must be an http(s) URL',
        'FUSERANK_SERVER_PROT: no setting has this variable; did you mean FUSERANK_SERVER_PORT?',
      ]),
    );
    expect(faults.some((fault) => fault.startsWith('server.port: '))).toBe(true);
    expect(faults.some((fault) => fault.startsWith('profiles.p.blend: '))).toBe(true);
  });

  test.each([
    ['server: [', /fuserank\.yaml: /],
    ['- a', /must be a map/],
    ['server: {host: "${NOPE}"}', /server\.host: the environment has no NOPE; set it, or write \$\{NOPE:-default\}/],
    ['server: {host: "${a b}"}', /is not a variable/],
    [
      'opensearch: {auth: {type: basic, username: u, password: p, passwordFile: f}}',
      /opensearch\.auth\.passwordFile: given beside password/,
    ],
    ['opensearch: {auth: {type: basic, username: u, passwordFile: nowhere}}', /passwordFile: nowhere cannot be read \(ENOENT\)/],
    [
      'server: {tokens: [{name: a, tokenFile: nowhere, scopes: [events]}]}',
      /server\.tokens\.0\.tokenFile: nowhere cannot be read \(ENOENT\)/,
    ],
    ['server: {tokens: [{name: a, token: short, scopes: [events]}]}', /server\.tokens\.0\.token: must be 16–512/],
    ['server: {tokens: [{name: a, token: "0123456789abcdef", scopes: []}]}', /server\.tokens\.0\.scopes: /],
    ['server: {requireToken: true}', /server\.requireToken: needs a token of scope search/],
    ['server: {openTo: [everybody]}', /server\.openTo\.0: is neither loopback/],
    ['opensearch: {auth: {type: sigv4, region: r}}', /opensearch\.auth: sigv4 needs either accessKeyId and secretAccessKey, or/],
    ['opensearch: {auth: {type: sigv4, region: r, accessKeyId: k, credentialsFile: f}}', /opensearch\.auth: sigv4 needs either/],
    ['opensearch: {auth: {type: sigv5}}', /opensearch\.auth\.type: must be one of none, basic, bearer/],
    ['index: {bulk: {bytes: much}}', /index\.bulk\.bytes: .*write it like 5mb/],
    ['scorer: {processes: 0}', /scorer\.processes: /],
    ['a: 1\na: 2', /unique/i],
  ])('%s', (text, expected) => {
    expect(faultsOf({ file: write(text) }).join('\n')).toMatch(expected);
  });

  test('a file that is not there', () => {
    expect(faultsOf({ file: '/nowhere/fuserank.yaml' }).join()).toMatch(/cannot be read \(ENOENT\); name an existing file/);
  });

  test('variables that are not settings of ours are left alone', () => {
    expect(
      faultsOf({
        env: { FUSERANK_DATA: '/data', FUSERANK_CONFIG: 'x', FUSERANK_BENCH_SECONDS: '1', FUSERANK_PYTHON: 'python3', PATH: '/bin' },
      }),
    ).toEqual([]);
  });
});

describe('the result is safe to share', () => {
  test('frozen to the leaves', () => {
    const config = loadConfig({ env: {}, flags: { profiles: { p: { index: 'a*' } } } });
    expect(Object.isFrozen(config.profiles.p?.retrieval)).toBe(true);
    expect(() => config.opensearch.nodes.push('http://x')).toThrow(TypeError);
  });

  test.each(['__proto__', 'constructor', 'prototype'])('%s is refused as a key and pollutes nothing', (key) => {
    expect(faultsOf({ file: write(`profiles: {"${key}": {index: "a"}}\n`) }).join()).toMatch(/reserved/);
    expect(faultsOf({ file: write(`"${key}": {polluted: true}\n`) }).join()).toMatch(/reserved/);
    expect(faultsOf({ flags: JSON.parse(`{"profiles": {"${key}": {"index": "a"}}}`) as ConfigSources['flags'] & object })).not.toEqual([]);
    expect('polluted' in {}).toBe(false);
  });
});

describe('nearest name', () => {
  test('known distances', () => {
    expect(countEdits('kitten', 'sitting')).toBe(3);
    expect(countEdits('prot', 'port')).toBe(1);
    expect(countEdits('', 'abc')).toBe(3);
    expect(nearestName('prot', ['port', 'host'])).toBe('port');
    expect(nearestName('zzzzz', ['port', 'host'])).toBeNull();
  });

  test('a distance: zero only for equals, symmetric, at most the longer name', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const edits = countEdits(a, b);
        expect(edits === 0).toBe(a === b);
        expect(countEdits(b, a)).toBe(edits);
        expect(edits).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
