import { importRun, ScoredLists, strictScores, type Run, type RunImport } from './imported-run.js';
import { parseNumber, type ImportReport } from '../import-report.js';
import { splitLines } from '../input-lines.js';

const RANKS_NOTE = 'scores that do not fall strictly are written as ranks from below, so that the order stays';

/** A TREC run: `query Q0 document rank score tag`, separated by blanks. Ordered by score, as trec_eval does. */
export function readTrecRun(source: RunImport): Run {
  const { text, report } = source;
  const lists = new ScoredLists(report);
  const tags = new Set<string>();
  for (const { line, text: raw } of splitLines(text)) {
    if (raw.trim() === '') continue;
    const cells = raw.trim().split(/\s+/);
    const [queryId = '', , docId = '', , written = '', tag = ''] = cells;
    const score = parseNumber(written);
    if (cells.length !== 6) report.reject({ line, raw }, `${cells.length} columns; a run has six: query Q0 document rank score tag`);
    else if (score === null) report.reject({ line, raw }, `score "${written}" is not a number`);
    else {
      tags.add(tag);
      lists.add(queryId, docId, score, { line, raw });
    }
  }
  const [name = 'imported', ...more] = tags;
  if (more.length > 0) report.note(`the file holds ${tags.size} run tags; the run is named by the first, "${name}"`);
  return importRun(name, lists.finish(), source);
}

/** Failed queries and empty answers have no lines in TREC's format. */
export function* writeTrecRun({ header, lines }: Run, { report }: { report: ImportReport }): Generator<string> {
  const tag = header.name.trim().replace(/\s+/g, '_') || 'fuserank';
  for (const { query_id, state, hits } of lines) {
    if (state !== 'ok') report.note('queries that failed or found nothing have no lines in this format');
    const { scores, own } = strictScores(hits);
    if (!own) report.note(RANKS_NOTE);
    for (const [place, { id }] of hits.entries()) {
      const line = `${query_id} Q0 ${id} ${place + 1} ${scores[place] ?? 0} ${tag}`;
      if (/\s/.test(query_id) || /\s/.test(id))
        report.reject({ line: null, raw: line }, 'TREC columns are split at blanks, and an id holds one');
      else {
        yield `${line}\n`;
        report.countWritten();
      }
    }
  }
}
