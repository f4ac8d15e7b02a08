import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { artefactPath, LOCK, type Artefact } from '../../../opensearch/local-node/lock.js';
import { ArtefactUnavailable, fetchArtefacts, writePom } from '../../../opensearch/local-node/maven.js';

let folder: string;
const toClose: (() => void)[] = [];
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'fuserank-maven-'))));
afterEach(() => {
  for (const close of toClose.splice(0)) close();
  rmSync(folder, { recursive: true, force: true });
});

const pinned = (artefact: string, bytes: string): Artefact => ({
  group: 'org.example.search',
  artefact,
  version: '1.2',
  type: 'zip',
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

async function serveRepository(files: Record<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const text = files[request.url ?? ''];
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  toClose.push(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/maven2/`;
}

/** An `mvn` for the PATH of the test: keeps its arguments and the pom it was given, then does as told. */
function fakeMaven(script: string): NodeJS.ProcessEnv {
  const mvn = join(folder, 'mvn');
  writeFileSync(
    mvn,
    `#!/bin/sh\necho "$@" >> ${folder}/calls\nfor pom; do case "$pom" in *pom.xml) cp "$pom" ${folder}/seen.xml;; esac; done\n${script}\n`,
  );
  chmodSync(mvn, 0o755);
  return { PATH: `${folder}${delimiter}${process.env.PATH ?? ''}` };
}

describe('fetching artefacts', () => {
  const alpha = pinned('alpha', 'A');
  const into = () => join(folder, 'into');

  it('reads a repository of Maven’s layout by plain HTTP', async () => {
    const base = await serveRepository({ [`/maven2/${artefactPath(alpha)}`]: 'A' });
    await fetchArtefacts({ artefacts: [alpha], folder: into(), lock: LOCK, env: { FUSERANK_MAVEN_REPOSITORY: base } });
    expect(readFileSync(join(into(), 'alpha-1.2.zip'), 'utf8')).toBe('A');
  });

  it('refuses bytes that are not the pinned ones', async () => {
    const base = await serveRepository({ [`/maven2/${artefactPath(alpha)}`]: 'tampered' });
    const fetched = fetchArtefacts({ artefacts: [alpha], folder: into(), lock: LOCK, env: { FUSERANK_MAVEN_REPOSITORY: base } });
    await expect(fetched).rejects.toThrow(/org\.example\.search:alpha:1\.2 differs from the checksum/);
  });

  it('names the address that has no such file, or does not answer', async () => {
    const base = await serveRepository({});
    const from = (env: string) =>
      fetchArtefacts({ artefacts: [alpha], folder: into(), lock: LOCK, env: { FUSERANK_MAVEN_REPOSITORY: env } });
    await expect(from(base)).rejects.toThrow(/alpha-1\.2\.zip answers HTTP 404/);
    await expect(from('http://127.0.0.1:9')).rejects.toThrow(ArtefactUnavailable);
  });

  it('has mvn copy them all by one call, without what they depend on', async () => {
    const beta = pinned('beta', 'B');
    const env = fakeMaven(`printf A > ${into()}/alpha-1.2.zip; printf B > ${into()}/beta-1.2.zip`);
    await fetchArtefacts({ artefacts: [alpha, beta], folder: into(), lock: LOCK, env });
    expect(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')).toEqual([
      expect.stringMatching(/^-B -q -f .*pom\.xml dependency:copy$/),
    ]);
    const pom = readFileSync(join(folder, 'seen.xml'), 'utf8');
    expect(pom).toBe(writePom([alpha, beta], into(), LOCK.mavenPlugin));
    expect(pom.match(/<artifactItem>/g)).toHaveLength(2);
    expect(pom).not.toContain('<dependencies>');
  });

  it('takes a refusal for an answer and does not ask again', async () => {
    const env = fakeMaven('echo "[ERROR] Could not find artifact org.example.search:alpha:zip:1.2"; exit 1');
    await expect(fetchArtefacts({ artefacts: [alpha], folder: into(), lock: LOCK, env })).rejects.toThrow(/Could not find artifact/);
    expect(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')).toHaveLength(1);
  });

  it('says so where there is no mvn', async () => {
    const fetched = fetchArtefacts({ artefacts: [alpha], folder: into(), lock: LOCK, env: { PATH: folder } });
    await expect(fetched).rejects.toThrow(/no `mvn` on the PATH/);
  });

  it('writes paths into the pom as XML wants them', () => {
    expect(writePom([alpha], '/a & b/<c>', LOCK.mavenPlugin)).toContain('<outputDirectory>/a &amp; b/&lt;c&gt;</outputDirectory>');
  });
});
