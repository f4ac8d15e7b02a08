import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { loadConfig } from '../../config/load.js';
import { packageVersion } from '../../config/package-root.js';
import type { Config, ConfigInput } from '../../config/schema.js';
import { convert, type Adapter } from '../../docs/examples/kit/adapter.js';
import { connectEngine, probeEngine, type EngineClient } from '../../opensearch/connection.js';
import { readIndexFacts, type IndexFacts } from '../../tuning/evaluate/index-facts.js';
import { readQuestionSet, type QuestionSet } from '../../tuning/evaluate/question-set.js';
import type { EncoderSet } from './catalogue-door.js';
import { askSystem, type System } from './asked-system.js';
import { hashFile, hashFolder, listBuiltInEncoders } from './file-stamp.js';
import { keepWork, type WorkStamp } from './kept-work.js';
import { runCommand } from './own-command.js';
import type { QualityRun } from './quality-run.js';

/** What a pack is opened with. */
export interface PackOrder {
  readonly run: QualityRun;
  readonly adapter: Adapter;
  readonly encoders: EncoderSet;
  /** Shoppers that become queries at most. */
  readonly queries?: number;
  /** Of the adapter. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Keeps two cuts of one pack apart. */
  readonly cut?: string;
  /** Adds to the converted files; named in the stamp. @returns further flags of `fuserank index` */
  readonly refine?: { readonly name: string; readonly files: (folder: string) => Promise<string> };
}

interface PackParts {
  readonly alias: string;
  readonly folder: string;
  /** What its configuration was written from. */
  readonly input: ConfigInput;
  readonly config: Config;
  readonly engine: EngineClient;
  readonly facts: IndexFacts;
  readonly questions: QuestionSet;
  /** Version of the engine. */
  readonly opensearch: string;
  /** From when its times were counted. */
  readonly now: Date;
  readonly run: QualityRun;
  /** Of the catalogue and how it is indexed. */
  readonly catalogue: WorkStamp;
  /** Of the engine: another one has to be filled anew. */
  readonly cluster: string;
  /** Of the events that statistics are made of; null without statistics. */
  readonly behaviour: WorkStamp | null;
  /** Tells the run files of a view from those of the pack. */
  readonly view: string;
}

const convertedSchema = z.object({ now: z.string(), indexFlags: z.string() });
const nothing = z.object({});
const clusterSchema = z.looseObject({ cluster_uuid: z.string() });

/**
 * A data pack converted by its adapter, brought in by the commands that everybody has, and asked through the real path. Everything it writes
 * lies below `runs/quality/<alias>/`: the files of the adapter, the configuration, and a run file of each system. All of it is kept, the
 * indices in the engine too, and taken again as long as nothing that went into it has changed.
 */
export class MeasuredPack {
  private constructor(private readonly parts: PackParts) {}

  get alias(): string {
    return this.parts.alias;
  }
  get folder(): string {
    return this.parts.folder;
  }
  get config(): Config {
    return this.parts.config;
  }
  get engine(): EngineClient {
    return this.parts.engine;
  }
  get facts(): IndexFacts {
    return this.parts.facts;
  }
  get questions(): QuestionSet {
    return this.parts.questions;
  }
  get opensearch(): string {
    return this.parts.opensearch;
  }
  get now(): Date {
    return this.parts.now;
  }
  /** What answers hang on, beside the questions and who answers. */
  get seen(): WorkStamp {
    return { ...this.parts.catalogue, behaviour: this.parts.behaviour };
  }
  get run(): QualityRun {
    return this.parts.run;
  }

  static async open(order: PackOrder): Promise<MeasuredPack> {
    const { run, adapter, encoders, flags = {}, refine } = order;
    const alias = ['quality', adapter.name, order.cut, encoders.key].filter((part) => part !== undefined).join('-');
    const folder = run.pathOf(alias);
    await mkdir(folder, { recursive: true });
    const source = join(run.data, adapter.name);
    const { result: converted } = await keepWork({
      file: join(folder, 'converted.json'),
      stamp: {
        adapter: adapter.name,
        source: await hashFolder(source),
        flags,
        queries: order.queries ?? null,
        refine: refine?.name ?? null,
      },
      result: convertedSchema,
      make: async () => {
        const now = new Date();
        const queries = order.queries === undefined ? {} : { queries: order.queries };
        const { adapted } = await convert(adapter, { source, output: folder, flags, now, ...queries });
        const further = refine === undefined ? '' : await refine.files(folder);
        return { now: now.toISOString(), indexFlags: `${adapted.indexFlags} ${further}`.trim() };
      },
    });
    const file = join(folder, 'fuserank.yaml');
    const input = configFor(run.node, alias, encoders);
    await writeFile(file, `${JSON.stringify(input, null, 2)}\n`); // JSON is YAML
    const config = loadConfig({ file, env: {}, flags: {} });
    const engine = connectEngine(config.opensearch);
    const cluster = clusterSchema.parse((await engine.info()).body).cluster_uuid;
    const catalogue: WorkStamp = {
      products: await hashFile(join(folder, 'products.ndjson')),
      flags: converted.indexFlags,
      encoders: [encoders.text, encoders.image, ...listBuiltInEncoders()],
    };
    await keepWork({
      file: join(folder, 'indexed.json'),
      stamp: { ...catalogue, cluster },
      result: nothing,
      isThere: async () => (await engine.indices.exists({ index: alias })).body,
      make: async () => {
        run.tell(`${alias}: indexing`);
        await runCommand(folder, ['index', join(folder, 'products.ndjson'), '--alias', alias, ...converted.indexFlags.split(' ')]);
        return {};
      },
    });
    const facts = await readIndexFacts(engine, config, alias);
    const files = { queries: join(folder, 'queries.ndjson'), judgments: join(folder, 'judgments.csv') };
    const questions = await readQuestionSet(files, packageVersion);
    const { version } = await probeEngine(engine);
    const place = { alias, folder, input, config, engine, opensearch: version, cluster, run };
    return new MeasuredPack({ ...place, facts, questions, now: new Date(converted.now), catalogue, behaviour: null, view: '' });
  }

  /**
   * The pack with its events in the engine, and the statistics of all of them.
   * @param other events of another file, under a name that keeps them apart
   */
  async withBehaviour(other: { name: string; events: string } | null = null): Promise<MeasuredPack> {
    const { alias, folder, engine, run } = this;
    const events = other?.events ?? join(folder, 'events.ndjson');
    const places = behaviourOf(other === null ? alias : `${alias}-${other.name}`);
    const config = { ...this.config, behaviour: { ...this.config.behaviour, ...places } };
    const stamp: WorkStamp = { events: await hashFile(events), until: this.now.toISOString() };
    await keepWork({
      file: join(folder, other === null ? 'events.json' : `events-${other.name}.json`),
      stamp: { ...stamp, ...this.parts.catalogue, cluster: this.parts.cluster },
      result: nothing,
      isThere: async () => (await engine.indices.exists({ index: [places.events, places.statistics] })).body,
      make: async () => {
        run.tell(`${alias}: ${other === null ? '' : `${other.name}: `}events and statistics`);
        await engine.indices.delete({ index: `${places.events}*` });
        const file = other === null ? 'fuserank.yaml' : `fuserank-${other.name}.yaml`;
        await writeFile(join(folder, file), `${JSON.stringify({ ...this.parts.input, behaviour: places }, null, 2)}\n`);
        await runCommand(folder, ['events', 'import', events, '--quiet'], file);
        await runCommand(folder, ['statistics', '--alias', alias, '--until', this.now.toISOString(), '--quiet'], file);
        return {};
      },
    });
    return new MeasuredPack({ ...this.parts, config, behaviour: stamp });
  }

  /** The pack asked otherwise: with other questions, without statistics, or with further profiles. */
  seenAs(view: string, other: { questions?: QuestionSet; statistics?: null; profiles?: Config['profiles'] }): MeasuredPack {
    const { config } = this;
    const { questions = this.questions } = other;
    // An alias that is not there is a shop without a log.
    const statistics = other.statistics === null ? `${this.alias}-no-statistics` : config.behaviour.statistics;
    return new MeasuredPack({
      ...this.parts,
      view,
      questions,
      config: { ...config, behaviour: { ...config.behaviour, statistics }, profiles: { ...config.profiles, ...other.profiles } },
      ...(other.statistics === null ? { behaviour: null } : {}),
    });
  }

  /** `fuserank …` with this pack's configuration. @returns what it printed @throws Error with what it complained of */
  command(...args: readonly string[]): Promise<string> {
    return runCommand(this.folder, args);
  }

  /** Asks every query. @returns the run file @throws Error when a query failed: no figure may leave one out unseen */
  async evaluate(system: System): Promise<string> {
    const run = await this.findOrAsk(system);
    if (run === null) throw new Error(`${system.name} was not asked before; ask it without --present`);
    return run;
  }

  /** As `evaluate`; null where nothing may be asked and it was not asked before. */
  findOrAsk(system: System): Promise<string | null> {
    const out = join(
      this.folder,
      `${[this.parts.view, system.name]
        .join(' ')
        .trim()
        .replaceAll(/[^a-z0-9.]+/gi, '-')}.run`,
    );
    return askSystem(system, { pack: this, out });
  }

  /** A system's name, with the view's where this is not the pack itself. */
  nameIn(system: string): string {
    return [this.parts.view, system].filter((part) => part !== '').join(': ');
  }

  /** Its indices stay, for the next run. */
  close(): Promise<void> {
    return this.engine.close();
  }
}

function configFor(node: string, alias: string, encoders: EncoderSet): ConfigInput {
  return {
    opensearch: { nodes: [node] },
    encoders: { text: { path: encoders.text }, image: { path: encoders.image } },
    scorer: { processes: 1 },
    behaviour: behaviourOf(alias),
    index: { alias },
  };
}

function behaviourOf(name: string): { events: string; queries: string; statistics: string } {
  return { events: `${name}-ubi-events`, queries: `${name}-ubi-queries`, statistics: `${name}-statistics` };
}
