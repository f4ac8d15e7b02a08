import { EngineUnreachable, connectEngine, probeEngine } from '../connection.js';
import { assembleNode, fetchIcu, findAssembled } from './assembly.js';
import { cacheFolder } from './cache.js';
import { isDockerPresent, startContainer } from './docker.js';
import { chooseJdk, listJdks, type Jdk } from './jdk.js';
import { LOCK } from './lock.js';
import { needsIcu, startNode } from './node-process.js';
import { fetchPythonJdk } from './python-jdk.js';
import type { SupervisedProcess } from './supervised-process.js';

export { cacheFolder } from './cache.js';
export { PortTaken, requireFreePort } from './free-port.js';

/** A real OpenSearch for the demo, the tests and the benchmarks. */
export interface LocalNode {
  url: string;
  version: string;
  /** From the call to a node that works, assembling included; 0 for a node that ran before. */
  startedSeconds: number;
  /** Ends it; without a call it ends with this process, however that ends. Does nothing to a node that ran before. */
  stop(): Promise<void>;
}

/** No rung of the ladder held; the message says what to install. */
export class NoLocalNode extends Error {
  override readonly name = 'NoLocalNode';
  readonly exitCode = 5;
}

export interface LocalNodeOptions {
  /** Names the cluster and, with `keepData`, the data. */
  name?: string;
  /** Keep indices from one run to the next; only one node of a name can then run. */
  keepData?: boolean;
  /** For benchmarks: a start twice as long, and faster searches. */
  fastCode?: boolean;
  /** On loopback; 0, the default, finds a free one. */
  port?: number;
  /** Takes progress, a line at a time. */
  log?: (line: string) => void;
}

/**
 * Finds or starts an OpenSearch with k-NN: the one at `OPENSEARCH_URL`; else one assembled in the cache (now, if it was
 * not before) from registry packages and a Java found here; else one in Docker. Throws {@link NoLocalNode} when none of
 * these is possible, EngineUnreachable when `OPENSEARCH_URL` is set and does not answer.
 */
export async function findOrStartNode(options: LocalNodeOptions = {}): Promise<LocalNode> {
  const given = process.env.OPENSEARCH_URL;
  if (given) return useGiven(given);
  const { name = 'default', keepData = false, fastCode = false, port = 0, log = () => undefined } = options;
  const began = performance.now();
  const cache = cacheFolder();

  const found = await prepareAssembled(cache, log);
  let started: { url: string; process: SupervisedProcess };
  if ('reasons' in found) {
    if (!isDockerPresent()) throw new NoLocalNode(tellWhatToInstall(found.reasons));
    log(`starting OpenSearch ${LOCK.version} in Docker`);
    started = await startContainer({ lock: LOCK, cache, name, keepData, port, log });
  } else {
    log(`starting OpenSearch ${LOCK.version} on Java ${found.jdk.major}`);
    started = await startNode({ ...found, cache, name, keepData, fastCode, port });
  }
  return {
    url: started.url,
    version: LOCK.version,
    startedSeconds: (performance.now() - began) / 1000,
    stop: () => started.process.stop(),
  };
}

async function useGiven(url: string): Promise<LocalNode> {
  const client = connectEngine({ nodes: [url], auth: { type: 'none' }, tls: { caFile: null, verify: true }, timeoutMs: 10_000 });
  try {
    const { version } = await probeEngine(client);
    return { url, version, startedSeconds: 0, stop: () => Promise.resolve() };
  } catch (error) {
    if (!(error instanceof EngineUnreachable)) throw error;
    throw new EngineUnreachable({
      url: error.url,
      reason: 'OPENSEARCH_URL names it, but it does not answer as OpenSearch does',
      fix: `Start it, or unset OPENSEARCH_URL to have one started. (${error.message})`,
      cause: error,
    });
  } finally {
    await client.close();
  }
}

/** Home, Java and further jars of an assembled node, or the reasons why there is none. */
export async function prepareAssembled(
  cache: string,
  log: (line: string) => void,
  findJdk: () => Promise<Jdk> = async () => chooseJdk(listJdks(), LOCK) ?? (await fetchPythonJdk({ cache, lock: LOCK, log })),
): Promise<{ home: string; jdk: Jdk; jars: string[] } | { reasons: string[] }> {
  const reasons: string[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
      return null;
    }
  };
  // Java first: it is the quicker question, and without an answer 180 MB need not be fetched.
  const jdk = await attempt(findJdk);
  if (jdk === null) return { reasons };
  const home = await attempt(async () => findAssembled(cache, LOCK) ?? (await assembleNode({ cache, lock: LOCK, log })));
  const jars = needsIcu(jdk) ? await attempt(() => fetchIcu({ cache, lock: LOCK })) : [];
  return home === null || jars === null ? { reasons } : { home, jdk, jars };
}

/** The one message of a machine on which no OpenSearch can be had. */
export function tellWhatToInstall(reasons: readonly string[]): string {
  const { least } = LOCK.java;
  return [
    `There is no OpenSearch here, and none can be assembled:`,
    ...reasons.map((reason) => `  - ${reason}`),
    '  - no Docker engine answers this user',
    'Do one of these and start again:',
    `  Debian, Ubuntu   sudo apt-get install maven openjdk-${least}-jdk-headless   (no such JDK in your release: python3-pip in its place)`,
    `  macOS            brew install maven openjdk@${least}`,
    `  Windows          winget install EclipseAdoptium.Temurin.${least}.JDK, and Maven from maven.apache.org on the PATH`,
    '  any of them      start Docker Desktop or a Docker engine; or set OPENSEARCH_URL to an OpenSearch 3 with the k-NN plugin',
  ].join('\n');
}
