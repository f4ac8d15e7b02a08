import { nearestName } from '../../config/nearest-name.js';
import { detectFormat, firstLine, type Ambiguous } from '../formats/format-detection.js';
import {
  FAMILIES,
  FORMAT_NAMES,
  SOURCE_NAMES,
  isFormatName,
  isLogName,
  judgmentsOf,
  kindOf,
  readContent,
  writeContent,
  type Content,
  type FormatName,
  type Kind,
  type SourceName,
  type Writing,
} from '../formats/format-table.js';
import { describeReject, ImportReport, type Note, type Reject } from '../formats/import-report.js';
import { InputInvalid } from '../formats/input-lines.js';
import type { EsciGains } from '../formats/judgments/judgment-table.js';
import { countJudgments, joinQueries, type JudgmentSet } from '../formats/judgments/judgments.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';
import { MIN_IMPRESSIONS } from '../formats/ubi/click-judgments.js';

/** What was asked for cannot be done; the message names what can. */
export class ConversionRefused extends Error {
  override readonly name = 'ConversionRefused';
  readonly exitCode = 2;
}

export interface ReadingRequest {
  /** Its text, and its name for errors. */
  readonly text: string;
  readonly input: string;
  /** A format, a family of formats, or `auto`. */
  readonly from: string;
  readonly queries?: readonly EvaluatedQuery[] | null;
  readonly judgments?: JudgmentSet | null;
  readonly gains: EsciGains;
  readonly tagsFrom?: string | null;
  /** Of a query and a product that clicks of a log shall judge; default {@link MIN_IMPRESSIONS}. */
  readonly minImpressions?: number;
  readonly version: string;
  readonly now: Date;
}

export interface ConversionRequest extends ReadingRequest {
  readonly to: string;
  readonly writing: Omit<Writing, 'report' | 'gains'>;
}

/** What a conversion did. */
export interface ConversionReport {
  readonly from: SourceName;
  readonly to: FormatName;
  readonly kind: Kind;
  /** Judgments, queries, queries of a run, or rows that were read. */
  readonly accepted: number;
  /** Judgments, queries, documents of a run, or rows that were written. */
  readonly written: number;
  readonly rejected: number;
  readonly rejects: readonly Reject[];
  readonly notes: readonly Note[];
}

/**
 * Reads one text and writes it as another. The pieces of `output` are all there, and checked, before the first is given away.
 * @throws InputInvalid when nothing of the input can be used
 * @throws ConversionRefused when the two formats do not hold the same kind of thing
 */
export async function convertText(request: ConversionRequest): Promise<{ output: string[]; report: ConversionReport }> {
  const read = await readAs(request, wantedKinds(request.to));
  const to = resolveTarget(request.to, read.content.kind);
  const written = writeContent(read.content, to, { ...request.writing, gains: request.gains, report: read.report });
  if (written === null)
    throw new ConversionRefused(`${request.input} holds ${read.content.kind} (${read.from}), which cannot become ${to}`);
  const before = read.report.rejects.length;
  const output = [...written];
  if (read.report.written === 0 && read.report.rejects.length > before) refuseAll(request.input, `written as ${to}`, read.report, before);
  const { rejects, notes, written: count } = read.report;
  const accepted = sizeOf(read.content);
  return {
    output,
    report: { from: read.from, to, kind: read.content.kind, accepted, written: count, rejected: rejects.length, rejects, notes },
  };
}

/** Judgments in any format that holds them, also as rows. @throws InputInvalid, also for a file of something else */
export async function readJudgments(request: ReadingRequest): Promise<{ judgments: JudgmentSet; report: ImportReport }> {
  const { content, report } = await readAs(request, ['judgments']);
  const judgments = judgmentsOf(content, report);
  if (judgments) return { judgments, report };
  throw otherKind(request, content.kind, 'judgments', 'CSV with query,docid,rating or query_id,product_id,grade, TREC qrels and others');
}

/** A query set in any format that holds one. @throws InputInvalid, also for a file of something else */
export async function readQuerySet(request: ReadingRequest): Promise<{ queries: readonly EvaluatedQuery[]; report: ImportReport }> {
  const { content, report } = await readAs(request, ['queries']);
  if (content.kind === 'queries') return { queries: content.value, report };
  throw otherKind(request, content.kind, 'queries', 'NDJSON with query, CSV with a column query, and others');
}

function otherKind({ input, text }: ReadingRequest, found: Kind, wanted: Kind, forms: string): InputInvalid {
  const begins = JSON.stringify(firstLine(text));
  return new InputInvalid(`${input} holds ${found}, not ${wanted}: it begins ${begins}; ${wanted} are ${forms} (fuserank convert --help)`);
}

async function readAs(
  request: ReadingRequest,
  wanted: readonly Kind[] | null,
): Promise<{ content: Content; from: SourceName; report: ImportReport }> {
  const report = new ImportReport();
  const from = resolveSource(request, wanted);
  const source = {
    ...request,
    queries: request.queries ?? null,
    judgments: request.judgments ?? null,
    tagsFrom: request.tagsFrom ?? null,
    minImpressions: request.minImpressions ?? MIN_IMPRESSIONS,
  };
  const read = await readContent(from, { ...source, report });
  const content = source.queries === null ? read : nameQueries(read, source.queries, report);
  if (source.judgments !== null && content.kind !== 'run') report.note('--judgments grades runs alone and is not used');
  report.sortRejects();
  if (sizeOf(content) === 0) refuseAll(request.input, `read as ${from}`, report);
  return { content, from, report };
}

/** What was read, with the texts and ids that a query set knows. */
function nameQueries(content: Content, known: readonly EvaluatedQuery[], report: ImportReport): Content {
  if (content.kind === 'judgments') return { kind: 'judgments', value: joinQueries(content.value, known) };
  if (content.kind === 'queries') report.note('--queries is not used: the input is a query set itself');
  if (content.kind !== 'rows') return content;
  const texts = new Map(known.map(({ query_id, query }) => [query_id, query]));
  const rows = content.value.rows.map((row) => ({ ...row, query: row.query ?? texts.get(row.query_id) ?? null }));
  return { kind: 'rows', value: { ...content.value, rows } };
}

function refuseAll(input: string, how: string, report: ImportReport, from = 0): never {
  const [first, ...more] = report.rejects.slice(from);
  if (!first) {
    const notes = report.notes.map(({ text, count }) => `; ${text}${count > 1 ? ` (${count} times)` : ''}`);
    throw new InputInvalid(`${input}: there is nothing in it to be ${how}${notes.join('')}`);
  }
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  throw new InputInvalid(`${input}: nothing of it could be ${how}; ${describeReject(first)}${rest}`);
}

function sizeOf(content: Content): number {
  switch (content.kind) {
    case 'judgments':
      return countJudgments(content.value);
    case 'queries':
      return content.value.length;
    case 'run':
      return content.value.lines.length;
    case 'rows':
      return content.value.rows.length;
  }
}

/** The kinds that can become `to`; null where a family leaves it open. */
function wantedKinds(to: string): readonly Kind[] | null {
  return isFormatName(to) ? [kindOf(to)] : null;
}

function resolveSource({ from, text, input }: ReadingRequest, wanted: readonly Kind[] | null): SourceName {
  if (isFormatName(from) || isLogName(from)) return from;
  if (isAmbiguous(from)) return resolveAmbiguous(from, wanted);
  if (from !== 'auto' && !Object.hasOwn(FAMILIES, from)) throw unknownFormat(from, [...SOURCE_NAMES, ...Object.keys(FAMILIES), 'ubi']);
  const found = detectFormat(text, input);
  const members = from === 'auto' ? null : (FAMILIES[from] ?? []);
  if (members !== null && (isAmbiguous(found) || !members.includes(found)))
    throw new InputInvalid(`${input} looks like ${found}, not like ${from}; use --from ${found}`);
  return isAmbiguous(found) ? resolveAmbiguous(found, wanted) : found;
}

function isAmbiguous(name: string): name is Ambiguous {
  return name === 'ranx' || name === 'ubi';
}

/** What is wanted decides. A log that may be either is read for its judgments: there are more formats for them. */
function resolveAmbiguous(found: Ambiguous, wanted: readonly Kind[] | null): SourceName {
  if (found === 'ubi') return wanted?.includes('queries') === true ? 'ubi-queries' : 'ubi-judgments';
  if (wanted === null) throw new ConversionRefused('ranx JSON holds judgments or a run alike; write --from ranx-qrels or --from ranx-run');
  return wanted.includes('run') ? 'ranx-run' : 'ranx-qrels';
}

function resolveTarget(to: string, kind: Kind): FormatName {
  if (isFormatName(to)) return to;
  if (to === 'ubi' || isLogName(to))
    throw new ConversionRefused('a UBI log is read, never written; events get into an index by fuserank events import');
  const members = FAMILIES[to];
  if (!members) throw unknownFormat(to, [...FORMAT_NAMES, ...Object.keys(FAMILIES)]);
  const member = members.find((name) => kindOf(name) === kind) ?? members.find((name) => kindOf(name) === 'judgments' && kind === 'rows');
  if (!member) throw new ConversionRefused(`${to} cannot hold ${kind}; it holds ${members.map(kindOf).join(' and ')}`);
  return member;
}

function unknownFormat(name: string, known: readonly string[]): ConversionRefused {
  const near = nearestName(name, known);
  return new ConversionRefused(`"${name}" is no format; ${near === null ? `known: ${known.join(', ')}` : `did you mean ${near}?`}`);
}
