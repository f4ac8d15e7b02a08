import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { StageName } from '../walk/search-clock.js';

/** A part of the walk; the time in which any request of a search to the engine is open; and the rest, which is ours. */
export type Stage = StageName | 'engine' | 'ours';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);
const HTTP_BUCKETS = [0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const STAGE_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** What the sidecar counts. Labels come from fixed lists, never from requests; times are given in milliseconds. */
export interface Metrics {
  observeRequest(request: { route: string; method: string; status: number; durationMs: number }): void;
  /** One search; `reason` is null when it was ranked. */
  observeRank(outcome: { outcome: 'applied'; reason?: null } | { outcome: 'skipped'; reason: string }): void;
  observeStage(stage: Stage, durationMs: number): void;
  observeCandidates(count: number): void;
  observeEvents(kind: 'events' | 'queries', outcome: 'stored' | 'withheld' | 'refused' | 'failed', count: number): void;
  /** Ranked lists of the feature log by what became of them. */
  countLoggedLists(outcome: 'kept' | 'lost', count: number): void;
  countScorerRestart(cause: string): void;
  /** A request answered 429. */
  countShed(): void;
  /** 1 while searches are answered but not ranked, for a reason that will not pass with the request. */
  setDegraded(degraded: boolean): void;
  setInflight(count: number): void;
  setScorers(state: { ready: number; queued: number }): void;
  /** What ranks now, in place of what was told before. */
  setModels(models: readonly { name: string; sha256: string }[]): void;
  /** Prometheus' text format. */
  render(): Promise<{ contentType: string; text: string }>;
}

/** Opens a set of metrics of its own; `processMetrics` adds memory, CPU and event loop (one set a process is enough). */
export function openMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry, prefix: 'fuserank_' });
  const requests = new Histogram({
    name: 'fuserank_http_request_duration_seconds',
    help: 'Time from the request’s head to the end of its answer.',
    labelNames: ['route', 'method', 'status'],
    buckets: HTTP_BUCKETS,
    registers,
  });
  const ranks = new Counter({
    name: 'fuserank_rank_total',
    help: 'Searches by what became of them.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const stages = new Histogram({
    name: 'fuserank_stage_duration_seconds',
    help: 'Time in a stage of ranking.',
    labelNames: ['stage'],
    buckets: STAGE_BUCKETS,
    registers,
  });
  const candidates = new Histogram({
    name: 'fuserank_candidates',
    help: 'Candidates ranked in a search.',
    buckets: [1, 10, 24, 50, 100, 200, 250, 500, 1000],
    registers,
  });
  const events = new Counter({
    name: 'fuserank_events_total',
    help: 'UBI records by what became of them.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  const loggedLists = new Counter({
    name: 'fuserank_feature_log_lists_total',
    help: 'Ranked lists of the feature log by what became of them.',
    labelNames: ['outcome'],
    registers,
  });
  const restarts = new Counter({
    name: 'fuserank_scorer_restarts_total',
    help: 'Scorer processes started again.',
    labelNames: ['cause'],
    registers,
  });
  const shed = new Counter({ name: 'fuserank_shed_total', help: 'Requests answered 429.', registers });
  const degraded = new Gauge({
    name: 'fuserank_degraded',
    help: '1 while searches are answered in the engine’s order for want of a scorer.',
    registers,
  });
  const inflight = new Gauge({ name: 'fuserank_inflight', help: 'Requests under way.', registers });
  const scorersReady = new Gauge({ name: 'fuserank_scorers_ready', help: 'Scorer processes that answer.', registers });
  const queued = new Gauge({ name: 'fuserank_scorer_queue_depth', help: 'Searches waiting for a scorer.', registers });
  const model = new Gauge({
    name: 'fuserank_model_info',
    help: 'The artefact that ranks; always 1.',
    labelNames: ['name', 'sha256'],
    registers,
  });

  return {
    observeRequest({ route, method, status, durationMs }) {
      requests.observe({ route, method: METHODS.has(method) ? method : 'other', status: String(status) }, durationMs / 1000);
    },
    observeRank({ outcome, reason }) {
      ranks.inc({ outcome, reason: reason ?? 'none' });
    },
    observeStage(stage, durationMs) {
      stages.observe({ stage }, durationMs / 1000);
    },
    observeCandidates(count) {
      candidates.observe(count);
    },
    observeEvents(kind, outcome, count) {
      events.inc({ kind, outcome }, count);
    },
    countLoggedLists(outcome, count) {
      loggedLists.inc({ outcome }, count);
    },
    countScorerRestart(cause) {
      restarts.inc({ cause });
    },
    countShed() {
      shed.inc();
    },
    setDegraded(isDegraded) {
      degraded.set(isDegraded ? 1 : 0);
    },
    setInflight(count) {
      inflight.set(count);
    },
    setScorers(state) {
      scorersReady.set(state.ready);
      queued.set(state.queued);
    },
    setModels(models) {
      model.reset();
      for (const { name, sha256 } of models) model.set({ name, sha256: sha256.slice(0, 12) }, 1);
    },
    async render() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
