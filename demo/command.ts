import type { Command } from 'commander';
import { wholeNumber } from '../config/whole-number.js';
import { requireFreePort } from '../opensearch/local-node/index.js';
import { holdDemo } from './demo-lock.js';
import { type ArmMeasurement, type ArmName, type Timings, measureArm, timeSearches } from './figures/measurement.js';
import { type OpenShop, type Started, openShop } from './open-shop.js';
import { tell } from './progress.js';
import { chooseInk, printShare, printTimings } from './report.js';
import { type Click, SHOWN_QUERY, type Scene, playClick, playScene, printClick, printScene } from './scene.js';
import { demoQueries } from './shoppers.js';
import { nameTaste } from './taste.js';

interface DemoFlags {
  once?: boolean;
  json?: boolean;
  keep?: boolean;
  ablation?: boolean;
  port: number;
}

const ABLATED: readonly ArmName[] = ['full', 'no_history', 'no_picture', 'no_text', 'shuffled_history'];

type Arms = Partial<Record<ArmName, ArmMeasurement>>;

async function measureArms(shop: OpenShop, arms: readonly ArmName[]): Promise<Arms> {
  const results: Arms = {};
  for (const arm of arms) {
    tell(`measuring ${arm.replaceAll('_', ' ')}: ${shop.shoppers.length} shoppers × ${demoQueries.length} queries`);
    results[arm] = await measureArm(arm, shop);
  }
  return results;
}

function describeJson(o: { shop: OpenShop; scene: Scene; click: Click; arms: Arms; timings: Timings }): object {
  const { shop, scene, click, arms, timings } = o;
  const { full } = arms;
  if (!full) throw new Error('the full arm was not measured');
  return {
    query: SHOWN_QUERY,
    engine: scene.engine,
    shoppers: scene.views.map(({ shopper, ids }) => ({
      user: shopper.user,
      taste: nameTaste(shopper.taste),
      before: scene.engine,
      after: ids,
    })),
    click: { user: click.shopper.user, object_id: click.objectId, before: click.before, after: click.after },
    taste_share: {
      engine: full.engine,
      ranked: full.ranked,
      interval: full.interval,
      shoppers: shop.shoppers.length,
      queries: demoQueries.length,
    },
    ablation: arms,
    timings_ms: timings,
    opensearch: { version: shop.node.version, started_s: Math.round(shop.node.startedSeconds * 10) / 10 },
  };
}

function printArms(arms: Arms): string {
  const names: Record<ArmName, string> = {
    full: 'fuserank',
    no_history: '  without the history',
    no_picture: '  without pictures',
    no_text: '  without texts',
    shuffled_history: '  with another taste’s history',
  };
  const lines = ABLATED.flatMap((arm) => {
    const result = arms[arm];
    return result ? [printShare(names[arm], result), printShare('    where only the picture tells', result.untitled)] : [];
  });
  return `\nShare of the top ten to the shopper's taste, engine → ranked, with the 95 % interval over shoppers\n${lines.join('\n')}`;
}

async function playDemo(flags: DemoFlags, onStart: (part: Started) => void): Promise<void> {
  const say = flags.json ? (): void => undefined : (text: string): void => void process.stdout.write(`${text}\n`);
  const ink = chooseInk(process.stdout, process.env);
  const shop = await openShop({ port: flags.port, keepClicks: flags.keep ?? false, onStart });
  const scene = await playScene(shop);
  say(printScene(scene, shop.catalogue, ink));
  const arms = await measureArms(shop, flags.json || flags.ablation ? ABLATED : ['full']);
  say(printArms(arms));
  const timings = await timeSearches(shop);
  say(`\n${printTimings(timings)}`);
  const click = await playClick(shop, scene);
  say(printClick(click, shop.catalogue, ink));
  if (flags.json) process.stdout.write(`${JSON.stringify(describeJson({ shop, scene, click, arms, timings }))}\n`);
  if (flags.once) return;
  say(`\nThe shop stays open: ${ink.bold(`${shop.doors.sidecar}/ui/`)}   (Ctrl-C closes it)`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/** `fuserank demo`: a shop with shoppers on a real OpenSearch. */
export function registerDemoCommand(program: Command): void {
  program
    .command('demo')
    .summary('a shop with shoppers on a real OpenSearch')
    .description(
      'Starts OpenSearch, draws and indexes a shop of 2,700 products, lets 24 shoppers with tastes of their own behave in it, and shows the same query before and after, in figures and on a page.',
    )
    .option('--once', 'print and end; else the shop stays open with a page at /ui/')
    .option('--json', 'one JSON object on stdout, with the ablation')
    .option('--ablation', 'also measure without history, pictures, texts, and with somebody else’s history')
    .option('--keep', 'keep the clicks of earlier runs; else shoppers start as they were')
    .option('--port <number>', 'port of the sidecar and the page, 0 finds a free one', wholeNumber(0, 65_535), 8080)
    .addHelpText('after', '\nExamples:\n  fuserank demo\n  fuserank demo --once --json > demo.json\n')
    .action(async (flags: DemoFlags) => {
      const started: Started[] = [];
      let release: (() => void) | null = null;
      try {
        await requireFreePort(flags.port);
        release = holdDemo(process.env.OPENSEARCH_URL ?? null);
        await playDemo(flags, (part) => started.push(part));
      } finally {
        for (const part of started.reverse()) await part.close();
        release?.();
      }
    });
}
