// Measures speed on the demo's shop with a real OpenSearch and the sidecar as a process of its own: `npm run bench -- [--write]`;
// and that of evaluate and compare: `npm run bench -- tuning [--write]`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../config/package-root.js';
import type { Config } from '../../config/schema.js';
import { postEvents } from '../../demo/shop-client.js';
import type { ShopFiles } from '../../demo/shop-files.js';
import { makeShoppers } from '../../demo/shoppers.js';
import { connectEngine } from '../../opensearch/connection.js';
import { findOrStartNode, type LocalNode } from '../../opensearch/local-node/index.js';
import { describeMachine } from '../machine.js';
import { writeSection } from '../measured-page.js';
import { configureBench, drawShop, fillIndices, WINDOW } from './bench-shop.js';
import type { BenchResult, MemoryUse } from './bench-result.js';
import { distinctQueries } from './distinct-queries.js';
import { printResult, PERFORMANCE_OPENING, QUIET_LOAD, renderResult } from './performance-page.js';
import { memoryOf } from './process-usage.js';
import { measureRankerCost } from './ranker-cost.js';
import { SearchClient } from './search-load.js';
import { serveSidecar, type ServedSidecar } from './served-sidecar.js';
import { measureThroughput, timePairs, type Doors, type NextBody, type Throughput } from './shop-view.js';
import { measureTuningCost } from './tuning-cost.js';
import { printTuning, renderTuning } from './tuning-page.js';

const USAGE = `usage: npm run bench -- [--write] [--profile FOLDER]
       npm run bench -- tuning [--write]
  --write            also renew docs/performance.md
  --profile FOLDER   write V8 CPU profiles of the HTTP process there; times are then not comparable`;

const PAGE_FILE = join(packageRoot, 'docs', 'performance.md');
const PAIRS = 400;
/** The engine compiles its hot code for so long that half as many still cost a fifth more. */
const WARM_UP = 1500;
const CONNECTIONS = [1, 4, 16];
const SECONDS_A_RATE = 4;
const STARTS = 3;
const PAGE = 24;
const SEED = 41;
const CALM_WITHIN_MS = 180_000;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'tuning') return await benchTuning(args.slice(1));
  const write = args.includes('--write');
  const profileAt = args.indexOf('--profile');
  const profile = profileAt < 0 ? null : (args[profileAt + 1] ?? null);
  if (args.length !== Number(write) + (profileAt < 0 ? 0 : 2) || (profileAt >= 0 && profile === null)) {
    console.error(USAGE);
    return 2;
  }
  await waitForCalm();
  const machine = describeMachine();
  const node = await findOrStartNode({ name: 'bench', fastCode: true, log: tell });
  const scratch = mkdtempSync(join(tmpdir(), 'fuserank-bench-'));
  try {
    const result = await measure({ node, scratch, machine, profile });
    console.log(printResult(result));
    const file = keepResult(result);
    tell(`written to ${file}`);
    if (write) {
      writeSection(PAGE_FILE, { name: 'bench', content: renderResult(result), opening: PERFORMANCE_OPENING });
    }
    return 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    await node.stop();
  }
}

/** What evaluate and compare cost by themselves. */
async function benchTuning(args: readonly string[]): Promise<number> {
  const write = args.includes('--write');
  if (args.length !== Number(write)) {
    console.error(USAGE);
    return 2;
  }
  await waitForCalm();
  const machine = describeMachine();
  const scratch = mkdtempSync(join(tmpdir(), 'fuserank-bench-'));
  try {
    const cost = await measureTuningCost(scratch, tell);
    console.log(printTuning(cost, machine));
    if (write) writeSection(PAGE_FILE, { name: 'tuning', content: renderTuning(cost, machine), opening: PERFORMANCE_OPENING });
    return 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function measure(options: {
  node: LocalNode;
  scratch: string;
  machine: BenchResult['machine'];
  profile: string | null;
}): Promise<BenchResult> {
  const { node, scratch, machine, profile } = options;
  const config = configureBench(node.url);
  const engine = connectEngine(config.opensearch);
  const files = await drawShop(tell);
  await engine.indices.delete({ index: [config.behaviour.events, config.behaviour.queries], ignore_unavailable: true });
  const indexing = await fillIndices(config, files, tell);
  const configFile = join(scratch, 'fuserank.yaml');
  writeFileSync(configFile, JSON.stringify(config)); // JSON is YAML

  const { sidecar, startMs } = await startServing(configFile, profile);
  try {
    const bodies = makeBodies(config, files);
    const shoppers = makeShoppers({ entries: files.entries, seed: SEED, now: new Date() });
    for (const { events } of shoppers) await postEvents(sidecar.url, events);
    const doors: Doors = { engine: node.url, sidecar, path: `/${config.index.alias}/_search?request_cache=false` };
    const nextBody = bodies(shoppers.map(({ user }) => user));
    await waitUntilWarm(doors, nextBody);
    tell(`${PAIRS} searches at each door, taking turns`);
    const view = await timePairs(doors, { pairs: PAIRS, warmUp: WARM_UP, nextBody });
    const throughput: Throughput[] = [];
    for (const connections of CONNECTIONS) {
      tell(`searches a second at ${connections} connections`);
      throughput.push(await measureThroughput(doors, { connections, seconds: SECONDS_A_RATE, nextBody }));
    }
    const memory = readMemory(sidecar);
    await sidecar.stop();
    tell('the ranker beside LambdaMART');
    const ranker = await measureRankerCost(engine, config.index.alias);
    return {
      machine,
      opensearch: node.version,
      products: files.entries.length,
      window: WINDOW,
      page: PAGE,
      view,
      throughput,
      ranker,
      indexing: {
        withPictures: indexing.withPictures.products.read / indexing.withPictures.seconds.filling,
        withoutPictures: indexing.withoutPictures.products.read / indexing.withoutPictures.seconds.filling,
      },
      startMs,
      memory,
    };
  } finally {
    await sidecar.stop();
    await engine.indices.delete({ index: [`${config.index.alias}-*`] }); // versions of both catalogues
    await engine.close();
  }
}

/** Starts it a few times, for the figure; the last one stays. */
async function startServing(configFile: string, profile: string | null): Promise<{ sidecar: ServedSidecar; startMs: number[] }> {
  const startMs: number[] = [];
  for (;;) {
    tell('starting the sidecar');
    const last = startMs.length === STARTS - 1;
    const nodeArguments = profile !== null && last ? ['--cpu-prof', '--cpu-prof-dir', profile] : [];
    const sidecar = await serveSidecar({ configFile, nodeArguments });
    startMs.push(sidecar.readyMs);
    if (last) return { sidecar, startMs };
    await sidecar.stop();
  }
}

/** A page of the shop for a typed query; through us, for one shopper after the other. */
function makeBodies(config: Config, files: ShopFiles): (users: readonly string[]) => NextBody {
  const texts = files.entries.map(({ product }) => `${product.title} ${product.description}`);
  const queries = distinctQueries({ texts, leastHits: WINDOW, seed: SEED });
  const [title = 'title', ...others] = config.index.map.text;
  return (users) => {
    let turn = 0;
    return ({ ranked }) => {
      const query = queries.next().value;
      if (query === undefined) throw new Error('the shop’s texts hold no more distinct queries');
      return {
        query: { multi_match: { query, fields: [`${title}^3`, ...others] } },
        size: PAGE,
        _source: ['title', 'brand', 'price', 'rating', 'image'],
        ...(ranked ? { ext: { fuserank: { user_id: users[turn++ % users.length] } } } : {}),
      };
    };
  };
}

/** What went before (a compilation, a test run) is in the load average for a minute and more; a busy machine stays busy. */
async function waitForCalm(): Promise<void> {
  const until = performance.now() + CALM_WITHIN_MS;
  while (describeMachine().load >= QUIET_LOAD && performance.now() < until) {
    tell(`waiting for the load average (${describeMachine().load.toFixed(2)}) to fall below ${QUIET_LOAD}`);
    await new Promise((resolve) => setTimeout(resolve, 15_000));
  }
}

/** The sidecar reads the item vectors in the background: until they are there, searches pay for fetching them. */
async function waitUntilWarm(doors: Doors, nextBody: NextBody): Promise<void> {
  const client = new SearchClient(doors.sidecar.url, { path: doors.path, connections: 1 });
  try {
    let inARow = 0;
    for (let attempt = 0; inARow < 10; attempt += 1) {
      if (attempt === 300) throw new Error('the sidecar does not rank; see its log above');
      const { label, stages } = await client.search(nextBody({ ranked: true }));
      const warm = label.startsWith('applied') && (stages.get('items') ?? Infinity) < 2;
      inARow = warm ? inARow + 1 : 0;
      if (!warm) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await client.close();
  }
}

function readMemory({ pid, scorerPids }: ServedSidecar): MemoryUse[] {
  return [{ process: 'HTTP', ...memoryOf(pid) }, ...scorerPids.map((scorer) => ({ process: 'scorer', ...memoryOf(scorer) }))];
}

function keepResult(result: BenchResult): string {
  const folder = join(packageRoot, 'bench-results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}

function tell(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}
