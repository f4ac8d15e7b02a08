import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerArguments, isDockerPresent, startContainer } from '../../../opensearch/local-node/docker.js';
import { LOCK } from '../../../opensearch/local-node/lock.js';

let folder: string;
let path: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuserank-docker-'));
  path = process.env.PATH;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true, force: true });
});

/** A `docker` for the PATH of the test whose containers are small HTTP servers that say yes to all. */
function fakeDocker(engine: 'runs' | 'is away'): void {
  const server = `
    const server = require('http').createServer((request, response) => response.end('{}')).listen(0, '127.0.0.1', () =>
      require('fs').writeFileSync(${JSON.stringify(join(folder, 'port'))}, '127.0.0.1:' + server.address().port));
    process.on('SIGTERM', () => process.exit(143));`;
  writeFileSync(join(folder, 'server.cjs'), server);
  const script = `#!/bin/sh
echo "$@" >> ${folder}/calls
case "$1" in
  version) ${engine === 'runs' ? 'echo 28.0' : 'echo "Cannot connect to the Docker daemon" >&2; exit 1'} ;;
  image) exit 1 ;;
  port) cat ${folder}/port ;;
  run) exec ${process.execPath} ${folder}/server.cjs ;;
esac
`;
  writeFileSync(join(folder, 'docker'), script);
  chmodSync(join(folder, 'docker'), 0o755);
  process.env.PATH = `${folder}${delimiter}${path ?? ''}`;
}

const options = () => ({ lock: LOCK, cache: folder, name: 'demo', keepData: false, port: 0, log: () => undefined });

describe('OpenSearch in Docker', () => {
  it('is there when an engine answers, not when only its client is installed', () => {
    fakeDocker('runs');
    expect(isDockerPresent()).toBe(true);
    fakeDocker('is away');
    expect(isDockerPresent()).toBe(false);
    process.env.PATH = folder + '-empty';
    expect(isDockerPresent()).toBe(false);
  });

  it('is pulled, started, found at its port, and removed when it is stopped', async () => {
    fakeDocker('runs');
    const { url, process: running } = await startContainer(options());
    expect(await (await fetch(url)).text()).toBe('{}');
    await running.stop();
    await expect(fetch(url)).rejects.toThrow();
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
    expect(calls).toContain(`pull --quiet ${LOCK.docker.image}`);
    expect(calls.at(-1)).toMatch(/^rm --force fuserank-demo-/);
    expect(existsSync(join(folder, 'runs', 'fuserank-demo'))).toBe(false);
  });

  it('listens on loopback only, since it has no security, and keeps data in a volume if asked to', () => {
    const args = containerArguments('c', options());
    expect(args[args.indexOf('--publish') + 1]).toBe('127.0.0.1::9200');
    const fixed = containerArguments('c', { ...options(), port: 9250 });
    expect(fixed[fixed.indexOf('--publish') + 1]).toBe('127.0.0.1:9250:9200');
    expect(args).not.toContain('--volume');
    expect(args.at(-1)).toBe(LOCK.docker.image);
    const kept = containerArguments('c', { ...options(), keepData: true });
    expect(kept[kept.indexOf('--volume') + 1]).toBe('fuserank-demo:/usr/share/opensearch/data');
  });
});
