import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtefactLock } from './lock.js';
import { waitUntilReady } from './readiness.js';
import { removeDeadRuns, startSupervised, type SupervisedProcess } from './supervised-process.js';

/** True when a Docker engine answers this user. */
export function isDockerPresent(): boolean {
  const asked = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8', timeout: 10_000 });
  return asked.status === 0 && asked.stdout.trim() !== '';
}

export interface ContainerOptions {
  lock: Pick<ArtefactLock, 'docker'>;
  cache: string;
  name: string;
  /** Keep indices from one run to the next in a volume of this name. */
  keepData: boolean;
  /** On loopback; 0 = a free one. */
  port: number;
  log: (line: string) => void;
}

/** Starts OpenSearch in a container of its own, on a loopback port, and waits until it works. */
export async function startContainer(options: ContainerOptions): Promise<{ url: string; process: SupervisedProcess }> {
  const { lock, cache, name, log } = options;
  const container = `fuserank-${name}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const runs = join(cache, 'runs');
  removeDeadRuns(runs);
  const folder = join(runs, container);
  mkdirSync(folder, { recursive: true });
  if (spawnSync('docker', ['image', 'inspect', lock.docker.image], { stdio: 'ignore' }).status !== 0) {
    log(`fetching the Docker image ${lock.docker.image} (once)`);
    const pulled = spawnSync('docker', ['pull', '--quiet', lock.docker.image], { encoding: 'utf8' });
    if (pulled.status !== 0) throw new Error(`docker could not fetch ${lock.docker.image}: ${pulled.stderr.trim()}`);
  }
  const running = startSupervised({
    command: 'docker',
    args: containerArguments(container, options),
    folder,
    env: ownEnvironment(),
    uid: null,
    graceMs: 15_000,
    removeFolder: true,
    // Where the client was killed, its container is not.
    afterwards: ['docker', 'rm', '--force', container],
  });
  try {
    const url = await waitUntilReady({ process: running, address: () => readAddress(container), makeIndex: true, timeoutMs: 300_000 });
    return { url, process: running };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** `docker run` in the foreground: the signal that ends the client ends the container. */
export function containerArguments(container: string, { lock, name, keepData, port }: ContainerOptions): string[] {
  const settings = {
    'discovery.type': 'single-node',
    DISABLE_SECURITY_PLUGIN: 'true',
    DISABLE_INSTALL_DEMO_CONFIG: 'true',
    DISABLE_PERFORMANCE_ANALYZER_AGENT_CLI: 'true',
    OPENSEARCH_JAVA_OPTS: '-Xms512m -Xmx1g',
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
  };
  return [
    'run',
    '--rm',
    ...['--name', container],
    // Loopback only: this node has no security.
    ...['--publish', `127.0.0.1:${port === 0 ? '' : port}:9200`],
    ...(keepData ? ['--volume', `fuserank-${name}:/usr/share/opensearch/data`] : []),
    ...Object.entries(settings).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    lock.docker.image,
  ];
}

function readAddress(container: string): string | null {
  const asked = spawnSync('docker', ['port', container, '9200/tcp'], { encoding: 'utf8' });
  const address = asked.status === 0 ? asked.stdout.split('\n')[0]?.trim() : undefined;
  return address ? `http://${address}` : null;
}

function ownEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;
  return env;
}
