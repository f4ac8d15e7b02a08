import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artefactFile, artefactPath, homeFolder, isPinned, LOCK, readLock } from '../../../opensearch/local-node/lock.js';

describe('the lock of the local node', () => {
  it('pins OpenSearch and plugins of the same version, each by its checksum', () => {
    expect(LOCK.node.map(({ artefact }) => artefact)).toEqual(['opensearch', 'opensearch-knn', 'neural-search']);
    for (const { version } of LOCK.node) expect(version.startsWith(LOCK.version)).toBe(true);
    expect(LOCK.docker.image).toContain(`:${LOCK.version}`);
    const sums = [...LOCK.node, ...LOCK.icu].map(({ sha256 }) => sha256);
    expect(new Set(sums).size).toBe(sums.length);
  });

  it('finds a file in a repository of Maven’s layout', () => {
    const knn = { group: 'org.opensearch.plugin', artefact: 'opensearch-knn', version: '3.6.0.0', type: 'zip', sha256: '' } as const;
    expect(artefactFile(knn)).toBe('opensearch-knn-3.6.0.0.zip');
    expect(artefactPath(knn)).toBe('org/opensearch/plugin/opensearch-knn/3.6.0.0/opensearch-knn-3.6.0.0.zip');
  });

  it('knows the bytes it pinned from any other', () => {
    const bytes = Buffer.from('a node');
    const artefact = {
      group: 'g',
      artefact: 'a',
      version: '1',
      type: 'jar' as const,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
    expect(isPinned(artefact, bytes)).toBe(true);
    expect(isPinned(artefact, Buffer.from('a mode'))).toBe(false);
  });

  it('gives another home to other artefacts', () => {
    const [core, ...plugins] = LOCK.node;
    expect(homeFolder({ ...LOCK, node: core ? [{ ...core, leaveOut: [] }, ...plugins] : [] })).not.toBe(homeFolder(LOCK));
    expect(homeFolder(LOCK)).toMatch(/^opensearch-3\.\d+\.\d+-[0-9a-f]{8}$/);
  });

  it('refuses a lock that lacks a checksum or says something unknown', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fuserank-lock-'));
    const file = join(folder, 'lock.json');
    for (const broken of [
      { ...LOCK, icu: [{ ...LOCK.icu[0], sha256: 'abc' }] },
      { ...LOCK, latest: true },
    ]) {
      writeFileSync(file, JSON.stringify(broken));
      expect(() => readLock(file)).toThrow();
    }
    rmSync(folder, { recursive: true });
  });
});
