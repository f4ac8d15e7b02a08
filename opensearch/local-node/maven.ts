import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { artefactFile, artefactPath, isPinned, type Artefact, type ArtefactLock } from './lock.js';

/** An artefact could not be had; the message says which and what to do. */
export class ArtefactUnavailable extends Error {
  override readonly name = 'ArtefactUnavailable';
}

/**
 * Fetches artefacts into `folder`, each under its {@link artefactFile} name and checked against the lock.
 * By plain HTTP from `FUSERANK_MAVEN_REPOSITORY` (the base address of a Maven-layout repository) where that is set;
 * else by `mvn`, which uses whatever repository this user's settings name.
 */
export async function fetchArtefacts(options: {
  artefacts: readonly Artefact[];
  folder: string;
  lock: Pick<ArtefactLock, 'mavenPlugin'>;
  env?: NodeJS.ProcessEnv;
}): Promise<void> {
  const { artefacts, folder, lock, env = process.env } = options;
  mkdirSync(folder, { recursive: true });
  if (env.FUSERANK_MAVEN_REPOSITORY) await download(artefacts, folder, env.FUSERANK_MAVEN_REPOSITORY);
  else await copyByMaven(artefacts, folder, lock.mavenPlugin, env);
  for (const artefact of artefacts) {
    if (!isPinned(artefact, readFileSync(join(folder, artefactFile(artefact))))) {
      throw new ArtefactUnavailable(
        `${coordinates(artefact)} differs from the checksum in artefacts.lock.json. ` +
          'The download was damaged or the repository serves something else: delete it from ~/.m2/repository and try again.',
      );
    }
  }
}

async function download(artefacts: readonly Artefact[], folder: string, repository: string): Promise<void> {
  for (const artefact of artefacts) {
    const url = `${repository.replace(/\/+$/, '')}/${artefactPath(artefact)}`;
    let response: Response;
    try {
      response = await fetch(url);
    } catch (cause) {
      throw new ArtefactUnavailable(`${url} cannot be reached. Check FUSERANK_MAVEN_REPOSITORY.`, { cause });
    }
    if (!response.ok) throw new ArtefactUnavailable(`${url} answers HTTP ${response.status}. Check FUSERANK_MAVEN_REPOSITORY.`);
    writeFileSync(join(folder, artefactFile(artefact)), Buffer.from(await response.arrayBuffer()));
  }
}

const ATTEMPTS = 3;

async function copyByMaven(artefacts: readonly Artefact[], folder: string, plugin: string, env: NodeJS.ProcessEnv): Promise<void> {
  const pom = join(folder, 'pom.xml');
  writeFileSync(pom, writePom(artefacts, folder, plugin));
  for (let attempt = 1; ; attempt++) {
    const { status, output } = await runMaven(['-B', '-q', '-f', pom, 'dependency:copy'], env);
    if (status === 0) return;
    // A refusal is an answer; only what looks like a passing fault is asked again.
    const passing = /\b(429|502|503|504)\b|timed? ?out|connection reset|premature end/i.test(output);
    if (!passing || attempt === ATTEMPTS) {
      const told = output.split('\n').filter((line) => line.includes('ERROR'));
      throw new ArtefactUnavailable(
        `mvn could not fetch ${artefacts.map(coordinates).join(', ')}:\n${told.slice(0, 3).join('\n') || output.trim()}`,
      );
    }
    await sleep(5000 * attempt);
  }
}

function runMaven(args: string[], env: NodeJS.ProcessEnv): Promise<{ status: number | null; output: string }> {
  const windows = process.platform === 'win32';
  return new Promise((resolve, reject) => {
    // mvn is a batch file on Windows, which only a shell can start; then quoting is ours to do.
    const quoted = windows ? args.map((arg) => `"${arg}"`) : args;
    const maven = spawn(windows ? 'mvn.cmd' : 'mvn', quoted, { env, shell: windows, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    maven.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    maven.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    maven.on('error', (cause) => reject(new ArtefactUnavailable('there is no `mvn` on the PATH', { cause })));
    maven.on('close', (status) => resolve({ status, output }));
  });
}

/**
 * A project whose `dependency:copy` fetches exactly these files. Their own poms are not read, so nothing transitive
 * is asked for.
 */
export function writePom(artefacts: readonly Artefact[], folder: string, plugin: string): string {
  const [group, artefact, version] = plugin.split(':').map(escapeXml);
  const items = artefacts.map(
    (item) => `          <artifactItem>
            <groupId>${escapeXml(item.group)}</groupId>
            <artifactId>${escapeXml(item.artefact)}</artifactId>
            <version>${escapeXml(item.version)}</version>
            <type>${item.type}</type>
          </artifactItem>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>fuserank-local-node</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <build>
    <plugins>
      <plugin>
        <groupId>${group}</groupId>
        <artifactId>${artefact}</artifactId>
        <version>${version}</version>
        <configuration>
          <outputDirectory>${escapeXml(folder)}</outputDirectory>
          <artifactItems>
${items.join('\n')}
          </artifactItems>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function coordinates(artefact: Artefact): string {
  return `${artefact.group}:${artefact.artefact}:${artefact.version}`;
}
