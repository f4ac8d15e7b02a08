import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Config } from '../../config/schema.js';
import { openArtefact } from '../../models/artefact.js';
import { measureRankerCosts } from '../../models/ranker-cost.js';
import { openRanker } from '../../models/ranker.js';
import { proveRanker } from '../../models/ranker-proof.js';
import { placeVersion, REPORTS } from '../../models/ranker-versions.js';
import { renderMarkdown } from '../compare/report/markdown.js';
import type { RunComparison } from '../compare/run-comparison.js';
import { writeWholeFile } from '../convert/whole-file.js';
import { measureHeldOut } from './held-out.js';
import { readProfileVersions, type ProfileVersions } from './profile-versions.js';
import { readVectorDims } from './index-dims.js';
import { fitDims, judgeCandidate, type GateBounds, type GateCheck, type GateFigures } from './promotion-gate.js';
import { changeVersion, type AdminDoor } from './sidecar-notice.js';

export interface Promotion {
  readonly config: Config;
  readonly profile: string;
  /** Folder of the artefact. */
  readonly candidate: string;
  readonly alias: string;
  /** What it is judged on; null = nothing, and the gate stays shut unless it is forced. */
  readonly questions: { readonly queries: string; readonly judgments: string; readonly template: string | null } | null;
  readonly metric: string;
  readonly bounds: GateBounds;
  readonly seed: number;
  /** Why the gate is overruled; null = it is not. */
  readonly force: string | null;
  readonly door: AdminDoor;
  readonly tell: (line: string) => void;
}

export interface PromotionOutcome {
  readonly profile: string;
  /** `name-version@sha8` of the candidate; null where its folder could not be opened. */
  readonly candidate: string | null;
  readonly before: string;
  readonly promoted: boolean;
  readonly forced: string | null;
  readonly checks: readonly GateCheck[];
  readonly figures: GateFigures;
  /** What became of the running sidecar; null where nothing was promoted. */
  readonly sidecar: string | null;
  /** Folder of the report and the runs. */
  readonly report: string;
}

/**
 * Judges a candidate and, where the gate opens, makes it the ranker of a profile: proof, cost, held-out comparison, report, copy, switch,
 * notice. Whatever comes of it, the report says why.
 * @throws ProfileRefused, SidecarRefused, and the errors of an evaluation
 */
export async function promote(promotion: Promotion): Promise<PromotionOutcome> {
  const { profile, candidate, bounds, force, door, tell } = promotion;
  const versions = await readProfileVersions(promotion.config, profile);
  const report = join(versions.folder, REPORTS, new Date().toISOString().replace(/[:.]/g, '-'));
  await mkdir(report, { recursive: true });
  const { figures, comparison } = await measure(promotion, versions, report);
  const checks = judgeCandidate(figures, bounds);
  const artefact = await openArtefact(candidate, { kind: 'ranker' }).catch(() => null);
  const passed = checks.every((check) => check.passed);
  const opens = figures.proof[0]?.passed === true && (figures.dims === null || fitDims(figures.dims)) && artefact !== null;
  const describe = (promoted: boolean, sidecar: string | null): PromotionOutcome => ({
    profile,
    candidate: artefact?.id ?? null,
    before: versions.current,
    promoted,
    forced: promoted && !passed ? force : null,
    checks,
    figures,
    sidecar,
    report,
  });
  // A reason opens every check but that the model can be run at all.
  const opened = passed || (force !== null && opens);
  if (!opened || !artefact) return await writeReport(describe(false, null), comparison);
  const to = await placeVersion(versions.folder, artefact);
  tell(`${to} takes the place of ${versions.current}`);
  const change = { action: 'promote' as const, to, forced: passed ? null : force, report: relative(versions.folder, report) };
  const sidecar = await changeVersion(versions, change, { door, expected: artefact.id });
  return writeReport(describe(true, sidecar), comparison);
}

async function measure(
  { config, profile, candidate, alias, questions, metric, seed, tell }: Promotion,
  { currentFolder }: ProfileVersions,
  report: string,
): Promise<{ figures: GateFigures; comparison: RunComparison | null }> {
  const proof = await proveRanker(candidate);
  const dims = proof[0]?.passed === true ? await compareDims(config, alias, candidate) : null;
  const unmeasured = { proof, dims, quality: null, cost: null };
  if (proof.some(({ passed }) => !passed) || (dims && !fitDims(dims))) return { figures: unmeasured, comparison: null };
  const [current, own] = await measureRankerCosts([currentFolder, candidate]);
  const cost = current && own ? { candidateMs: own.cpuMs, currentMs: current.cpuMs } : null;
  if (questions === null) return { figures: { ...unmeasured, cost }, comparison: null };
  const heldOut = { config, alias, profile, ...questions, metric, seed, runs: report, tell };
  const { quality, comparison } = await measureHeldOut(heldOut, { current: currentFolder, candidate });
  return { figures: { proof, dims, quality, cost }, comparison };
}

/** Null where the candidate takes any vectors: then the engine is not asked. @throws EngineUnreachable */
async function compareDims(config: Config, alias: string, candidate: string): Promise<GateFigures['dims']> {
  const ranker = await openRanker(candidate);
  await ranker.close();
  if (ranker.dims.text === null && ranker.dims.image === null) return null;
  return { candidate: ranker.dims, index: await readVectorDims(config, alias) };
}

async function writeReport(outcome: PromotionOutcome, comparison: RunComparison | null): Promise<PromotionOutcome> {
  await writeWholeFile(join(outcome.report, 'promotion.json'), [`${JSON.stringify(outcome, null, 1)}\n`]);
  const told = [renderOutcome(outcome), comparison === null ? '' : `\n${renderMarkdown(comparison)}`];
  await writeWholeFile(join(outcome.report, 'promotion.md'), told);
  return outcome;
}

/** The outcome for people, in Markdown that reads well in a terminal, too. */
export function renderOutcome({ profile, candidate, before, promoted, forced, checks, sidecar }: PromotionOutcome): string {
  const name = candidate ?? 'the candidate';
  const verdict = promoted
    ? `${name} ranks for profile ${profile} now; before: ${before}`
    : `${name} is not promoted; profile ${profile} keeps ${before}`;
  return [
    verdict,
    '',
    ...checks.map(({ name: check, passed, detail }) => `- ${passed ? 'passed' : 'FAILED'} ${check}: ${detail}`),
    ...(forced === null ? [] : [`- forced: ${forced}`]),
    ...(sidecar === null ? [] : ['', sidecar]),
    '',
  ].join('\n');
}
