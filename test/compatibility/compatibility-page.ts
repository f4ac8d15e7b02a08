import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { packageRoot } from '../../config/package-root.js';
import type { Outcome } from './scenario-run.js';
import type { Expectation } from './scenario.js';

export const COMPATIBILITY_PAGE = join(packageRoot, 'docs', 'compatibility.md');

/** A line of the page. */
export interface PageRow {
  readonly feature: string;
  readonly name: string;
  readonly expect: Expectation;
  readonly outcome: Outcome;
}

/** docs/compatibility.md, from a run of all scenarios. */
export async function renderPage(rows: readonly PageRow[]): Promise<string> {
  const features = [...new Set(rows.map(({ feature }) => feature))];
  const ranked = rows.filter(({ expect }) => expect.kind === 'ranked' || expect.kind === 'ranked-items').length;
  const sections = features.map((feature) => {
    const lines = rows.filter((row) => row.feature === feature).map((row) => `| ${cell(row.name)} | ${cell(describe(row))} |`);
    return `## ${feature}\n\n| request | answer |\n| --- | --- |\n${lines.join('\n')}`;
  });
  const text = [OPENING, `${rows.length} requests, ${ranked} of them ranked.`, ...sections].join('\n\n');
  return format(text, { ...(await resolveConfig(COMPATIBILITY_PAGE)), parser: 'markdown' });
}

const OPENING = `# Compatibility

What a client of OpenSearch gets from the sidecar in its place. Each line was sent to a real OpenSearch and to a sidecar in
front of it, both answers were compared; this page is written by that run and fails the tests when it no longer is what they find:

\`\`\`sh
npm run test:compatibility -- --write
\`\`\`

- **ranked**: the engine's answer with its hits in another order. Every hit's bytes are the engine's but for its \`_score\`; the
  scores are the list's own, dealt out again; aggregations, suggestions, \`max_score\`, \`_shards\` and all other members are
  untouched. With \`retrieval.add: vectors\` at most \`maxAdded\` further products join, each of which passes the constraints of
  the query, and the total grows to the length of the list; with \`add: none\` hits are only permuted. Each line holds for both.
- **equal**: the engine's bytes but for \`took\`, with the reason that \`X-Fuserank\` gives. Where a profile applies, the fields that
  the indexer adds (vectors, keys, hash) are cut unless asked for by name; of an answer in YAML, CBOR or Smile the engine is asked
  to leave them out of \`_source\`.
- **refused**: an answer of the sidecar's own, in the engine's shape.

Status, \`content-type\`, \`warning\`, \`x-opaque-id\`, cookies and the engine's version header are compared, too.`;

function describe({ expect, outcome }: PageRow): string {
  if (outcome.differences.length > 0) return `**differs**: ${outcome.differences[0] ?? ''}`;
  const status = outcome.status >= 300 ? ` (${outcome.status})` : '';
  switch (expect.kind) {
    case 'ranked':
      return 'ranked';
    case 'ranked-items':
      return expect.items.every((item) => item === 'ranked')
        ? 'ranked'
        : `ranked: ${expect.items.map((item) => (item === 'ranked' ? 'yes' : 'no')).join(', ')}`;
    case 'passed':
      return `equal${status}: \`${expect.reason}\``;
    case 'forwarded':
      return `equal${status}`;
    case 'refused':
      return `refused (${expect.status}): \`${expect.type}\``;
  }
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/(?<![`\w])(_+\w+)/g, '`$1`');
}
