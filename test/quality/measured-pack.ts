import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.js';
import { packageRoot, packageVersion } from '../../config/package-root.js';
import type { Config, ConfigInput } from '../../config/schema.js';
import { convert, type Adapter } from '../../docs/examples/kit/adapter.js';
import { connectEngine, probeEngine, type EngineClient } from '../../opensearch/connection.js';
import { askQueries } from '../../tuning/evaluate/evaluation.js';
import { readIndexFacts, type IndexFacts } from '../../tuning/evaluate/index-facts.js';
import { readQuestionSet, type QuestionSet } from '../../tuning/evaluate/question-set.js';
import { plainQuestion, type Question } from '../../tuning/evaluate/question.js';
import { openDoor, type Contender } from '../../tuning/evaluate/search-door.js';
import { RunWriter } from '../../tuning/run/run-file.js';
import type { EncoderSet } from './catalogue-door.js';
import type { QualityRun } from './quality-run.js';

/** One way to answer the queries. */
export interface System {
  /** As tables name it; also names its run file. */
  readonly name: string;
  readonly contender: Contender;
  /** Null: the search that a shop starts from, as `fuserank evaluate` asks it without a template. */
  readonly question?: Question;
  /** Keep what each retriever found. */
  readonly legs?: boolean;
}

export const FIRST_PHASE: Contender = { kind: 'first-phase' };

/** The sidecar, anonymous or for the query's own history; a ranker and a blend other than the profile's where they are given. */
export function ranked({ ranker = null, blend = null }: { ranker?: string | null; blend?: number | null } = {}): Contender {
  return { kind: 'fuserank', url: null, profile: null, ranker, blend };
}

/** Hits asked for: as many as are ranked. */
const DEPTH = 200;
const SEED = 20;

/**
 * A data pack converted by its adapter, brought in by the commands that everybody has, and asked through the real path. Everything it writes
 * lies below `runs/quality/<alias>/`: the files of the adapter, the configuration, and a run file of each system.
 */
export class MeasuredPack {
  private constructor(
    readonly alias: string,
    readonly folder: string,
    readonly config: Config,
    readonly engine: EngineClient,
    readonly facts: IndexFacts,
    readonly questions: QuestionSet,
    readonly opensearch: string,
    private readonly run: QualityRun,
  ) {}

  static async open(options: {
    run: QualityRun;
    adapter: Adapter;
    encoders: EncoderSet;
    /** Shoppers that become queries at most. */
    queries?: number;
    /** From which synthetic times are counted. */
    now?: Date;
    /** Of the adapter. */
    flags?: Readonly<Record<string, string>>;
    /** Keeps two cuts of one pack apart. */
    cut?: string;
  }): Promise<MeasuredPack> {
    const { run, adapter, encoders, flags = {} } = options;
    const alias = ['quality', adapter.name, options.cut, encoders.key].filter((part) => part !== undefined).join('-');
    const folder = run.pathOf(alias);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const source = join(run.data, adapter.name);
    const { adapted } = await convert(adapter, {
      source,
      output: folder,
      flags,
      ...(options.queries === undefined ? {} : { queries: options.queries }),
      ...(options.now === undefined ? {} : { now: options.now }),
    });
    const file = join(folder, 'fuserank.yaml');
    await writeFile(file, `${JSON.stringify(configFor(run.node, alias, encoders), null, 2)}\n`); // JSON is YAML
    const config = loadConfig({ file, env: {}, flags: {} });
    run.tell(`${alias}: indexing`);
    await runCommand(folder, ['index', join(folder, 'products.ndjson'), '--alias', alias, ...adapted.indexFlags.split(' ')]);
    const engine = connectEngine(config.opensearch);
    const facts = await readIndexFacts(engine, config, alias);
    const files = { queries: join(folder, 'queries.ndjson'), judgments: join(folder, 'judgments.csv') };
    const questions = await readQuestionSet(files, packageVersion);
    const { version } = await probeEngine(engine);
    return new MeasuredPack(alias, folder, config, engine, facts, questions, version, run);
  }

  /** `fuserank …` with this pack's configuration. @returns what it printed @throws Error with what it complained of */
  command(...args: readonly string[]): Promise<string> {
    return runCommand(this.folder, args);
  }

  /** Asks every query. @returns the run file @throws Error when a query failed: no figure may leave one out unseen */
  async evaluate(system: System): Promise<string> {
    const { alias, config, facts, questions } = this;
    const question = system.question ?? plainQuestion(facts.roles);
    const out = join(this.folder, `${system.name.replaceAll(/[^a-z0-9.]+/gi, '-')}.run`);
    const door = await openDoor({ config, alias, contender: system.contender });
    const started = performance.now();
    try {
      const writer = await RunWriter.open(out, {
        fuserank_run: 1,
        name: system.name,
        created: new Date().toISOString(),
        depth: DEPTH,
        configuration: {
          kind: system.contender.kind,
          name: system.name,
          sha256: createHash('sha256').update([door.sha256, question.sha256].join()).digest('hex'),
        },
        index: { alias, concrete: [...facts.concrete] },
        model: door.model,
        queries: questions.stamps.queries,
        judgments: questions.stamps.judgments,
        versions: { fuserank: packageVersion, opensearch: this.opensearch },
        seed: SEED,
        ...(system.legs === true ? { legs: DEPTH } : {}),
      });
      try {
        await askQueries(questions.queries, writer, {
          door,
          question,
          grades: questions.grades,
          kept: { title: null, image: null, group: null },
          depth: DEPTH,
          legs: system.legs === true,
          concurrency: 2,
          rps: null,
          stopAfter: 20,
          folder: this.folder,
        });
      } finally {
        await writer.close();
      }
    } finally {
      await door.close();
    }
    this.run.tell(
      `${alias}: ${system.name}: ${questions.queries.length} queries in ${((performance.now() - started) / 1000).toFixed(0)} s`,
    );
    return out;
  }

  async close(): Promise<void> {
    await this.engine.indices.delete({ index: `${this.alias}*` });
    await this.engine.close();
  }
}

function configFor(node: string, alias: string, encoders: EncoderSet): ConfigInput {
  return {
    opensearch: { nodes: [node] },
    encoders: { text: { path: encoders.text }, image: { path: encoders.image } },
    scorer: { processes: 1 },
    behaviour: { events: `${alias}-ubi-events`, queries: `${alias}-ubi-queries`, statistics: `${alias}-statistics` },
    index: { alias },
  };
}

function runCommand(folder: string, args: readonly string[]): Promise<string> {
  const command = [join(packageRoot, 'dist', 'fuserank.js'), ...args, '--config', join(folder, 'fuserank.yaml')];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
      else
        reject(
          new Error(
            `fuserank ${args.join(' ')} ended with ${code}: ${Buffer.concat([...err, ...out])
              .toString('utf8')
              .slice(-2000)}`,
          ),
        );
    });
  });
}
