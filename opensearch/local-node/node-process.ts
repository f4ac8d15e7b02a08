import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { closedFolder, openFolder } from './cache.js';
import { javaOf, type Jdk } from './jdk.js';
import { NodeRunsAlready, waitUntilReady } from './readiness.js';
import { isRunAlive, removeDeadRuns, startSupervised, type SupervisedProcess } from './supervised-process.js';

/** OpenSearch refuses to run as root; any other number will do, and 65534 is nobody nearly everywhere. */
const NOBODY = 65534;
const READY_WITHIN_MS = 300_000;

export interface NodeOptions {
  /** Folder of the assembled node. */
  home: string;
  jdk: Jdk;
  /** More jars for the class path. */
  jars: readonly string[];
  cache: string;
  name: string;
  /** Keep indices from one run to the next under this name; else each run starts empty and leaves nothing. */
  keepData: boolean;
  /** Optimising compiler and vector instructions: a start twice as long, for benchmarks. */
  fastCode: boolean;
  /** On loopback; 0 = a free one of its own choice. */
  port: number;
}

/** Starts OpenSearch on loopback and waits until it works. */
export async function startNode(options: NodeOptions): Promise<{ url: string; process: SupervisedProcess }> {
  const folder = prepareFolder(options);
  const uid = process.getuid?.() === 0 ? NOBODY : null;
  if (uid !== null) giveTo(uid, folder, [options.home, options.jdk.home]);
  const running = startSupervised({
    command: javaOf(options.jdk.home),
    args: javaArguments(options, folder),
    folder,
    env: {
      PATH: process.env.PATH ?? '',
      LANG: 'C.UTF-8',
      HOME: folder,
      ...(process.env.SystemRoot ? { SystemRoot: process.env.SystemRoot } : {}),
    },
    uid,
    graceMs: 10_000,
    removeFolder: !options.keepData,
    afterwards: null,
  });
  try {
    const url = await waitUntilReady({
      process: running,
      address: () => readAddress(folder),
      makeIndex: needsIcu(options.jdk),
      timeoutMs: READY_WITHIN_MS,
    });
    return { url, process: running };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/**
 * OpenSearch builds a Thai analyzer for every index, and a runtime cut to size may lack Java's word breaking for it
 * although it has the module: ICU's then stands on the class path instead. A whole JDK, known by its compiler, has it.
 */
export function needsIcu(jdk: Jdk): boolean {
  return !jdk.modules.has('jdk.compiler');
}

/** The node's own folder, with its configuration. A kept one goes by its name, others by a name nobody else has. */
function prepareFolder({ cache, name, keepData, port }: NodeOptions): string {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`a local node's name may have letters, digits, dots, dashes and underscores: ${name}`);
  const runs = join(cache, 'runs');
  removeDeadRuns(runs);
  const folder = keepData ? join(cache, 'kept', name) : join(runs, `${name}-${process.pid}-${randomBytes(3).toString('hex')}`);
  if (isRunAlive(folder)) throw new NodeRunsAlready(`the local node "${name}" is running already: use it, or stop it first`);
  openFolder(folder);
  for (const part of ['config', 'data', 'logs', 'tmp']) mkdirSync(join(folder, part), { recursive: true });
  for (const stale of [portsFile(folder), join(folder, 'node.log')]) rmSync(stale, { force: true });
  writeFileSync(join(folder, 'config', 'opensearch.yml'), nodeSettings(name, { folder, port }));
  writeFileSync(join(folder, 'config', 'log4j2.properties'), LOGGING);
  return folder;
}

function nodeSettings(name: string, { folder, port }: { folder: string; port: number }): string {
  const settings: Record<string, string | number | boolean> = {
    'cluster.name': `fuserank-${name}`,
    'node.name': name,
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    // For 0 the system chooses a free port and the node writes down which: no two starters can race for one.
    'http.port': port,
    'transport.port': 0,
    'node.portsfile': true,
    'path.data': join(folder, 'data'),
    'path.logs': join(folder, 'logs'),
    // A nearly full disk must not turn the indices of a test or a demo read-only.
    'cluster.routing.allocation.disk.threshold_enabled': false,
  };
  // JSON is YAML, and quotes what a path may contain.
  return JSON.stringify(settings, null, 2);
}

const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;

function portsFile(folder: string): string {
  return join(folder, 'logs', 'http.ports');
}

function readAddress(folder: string): string | null {
  if (!existsSync(portsFile(folder))) return null;
  const address = readFileSync(portsFile(folder), 'utf8').split('\n')[0]?.trim() ?? '';
  return address === '' ? null : `http://${address}`;
}

/** Lets `uid` write the node's folder and checks that it can walk to everything it needs. */
function giveTo(uid: number, folder: string, needed: readonly string[]): void {
  for (const path of [folder, ...needed]) {
    const closed = closedFolder(path);
    if (closed !== null) {
      throw new Error(
        `OpenSearch does not run as root, and other users may not enter ${closed}. ` +
          (path === needed[1] ? 'Set JAVA_HOME to a Java outside it.' : 'Set FUSERANK_CACHE to a folder that everybody may enter.'),
      );
    }
  }
  const give = (path: string): void => {
    chownSync(path, uid, uid);
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) give(join(path, name));
  };
  give(folder);
}

function javaArguments({ home, jdk, jars, fastCode }: NodeOptions, folder: string): string[] {
  return [
    '-Xms512m',
    '-Xmx1g',
    '-XX:MaxDirectMemorySize=256m',
    '-XX:+UseSerialGC',
    // The quick compiler alone halves the CPU of a start.
    ...(fastCode ? [] : ['-XX:TieredStopAtLevel=1']),
    ...(fastCode && jdk.modules.has('jdk.incubator.vector') ? ['--add-modules=jdk.incubator.vector'] : []),
    // Not optional: without its agent OpenSearch 3 ends with a ClassNotFoundException.
    `-javaagent:${join(home, 'agent', 'opensearch-agent.jar')}`,
    `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
    '-Dfile.encoding=UTF-8',
    '-Djna.nosys=true',
    '-Djava.locale.providers=SPI,CLDR',
    '-Dlog4j.shutdownHookEnabled=false',
    '-Dlog4j2.disable.jmx=true',
    '-Dio.netty.noUnsafe=true',
    '-Dio.netty.noKeySetOptimization=true',
    '-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1',
    '-Dopensearch.networkaddress.cache.ttl=60',
    `-Dopensearch.path.home=${home}`,
    `-Dopensearch.path.conf=${join(folder, 'config')}`,
    '-Dopensearch.distribution.type=zip',
    '-Dopensearch.bundled_jdk=false',
    '-cp',
    [join(home, 'lib', '*'), ...jars].join(delimiter),
    'org.opensearch.bootstrap.OpenSearch',
  ];
}
