import { createHash } from 'node:crypto';
import type { RunComparison } from '../../run-comparison.js';
import { describeHarm, describeMethod, describeOverlap, describeResolution, describeVerdict, formatDifference } from '../figures.js';
import { renderChanges } from './lists.js';
import { html, type Markup } from './markup.js';
import { renderScatter, renderSortedDifferences } from './plots.js';
import { PAGE_STYLE } from './style.js';
import { renderExposure, renderGate, renderLegs, renderMetrics, renderRuns, renderSlices, verdictClass } from './tables.js';

const STYLE_HASH = createHash('sha256').update(PAGE_STYLE).digest('base64');
/** Nothing by the network, no script, no style but the page's own; pictures from the run or from files beside the report. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data: file: 'self'; base-uri 'none'; form-action 'none'`;

/** A comparison as one HTML file that opens without a network and holds no script. */
export function renderHtml(comparison: RunComparison): string {
  const { runs, gate } = comparison;
  const title = `${runs.a.name} and ${runs.b.name}`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}: ${gate.passed ? 'gate passed' : 'gate failed'}</title>
      </head>
    </html> `;
  // The style's hash is of these very bytes, so they are not escaped; they are ours.
  return `${page.text}<style>${PAGE_STYLE}</style>\n</head>\n${renderBody(comparison, title).text}\n</html>\n`;
}

function renderBody(comparison: RunComparison, title: string): Markup {
  const { gate, metrics, queries, warnings } = comparison;
  const [leading] = metrics;
  return html`<body>
    <a class="skip" href="#worst">To the worst regressions</a>
    <header>
      <p class="gate ${gate.passed ? 'passed' : 'failed'}">gate ${gate.passed ? 'passed' : 'failed'}</p>
      <h1>${title}</h1>
      <p>${queries.count} queries · ${describeOverlap(comparison)}</p>
    </header>
    <main>
      ${
        leading
          ? html`<section class="lead">
              <p class="figure ${verdictClass(leading)}">${formatDifference(leading.difference)}</p>
              <p>
                <strong>${describeVerdict(leading)}</strong><br /><span class="quiet"
                  >${leading.wins} wins, ${leading.ties} ties, ${leading.losses} losses; ${describeHarm(leading)};
                  ${describeResolution(leading)}</span
                >
              </p>
            </section>`
          : ''
      }
      ${warnings.map(({ level, text }) => html`<p class="notice ${level}"><strong>${level === 'red' ? 'Red' : 'Warning'}</strong> ${text}</p>`)}
      <section>
        <h2>Metrics</h2>
        ${renderMetrics(metrics)}
      </section>
      ${
        comparison.legs === null
          ? ''
          : html`<section>
              <h2>Could ranking have won?</h2>
              <p class="quiet">Share of the relevant documents that the retrievers found at all, by leg and together.</p>
              ${renderLegs(comparison.legs)}
            </section>`
      }
      <section>
        <h2>Gate</h2>
        ${renderGate(comparison)}
      </section>
      <section>
        <h2>Queries</h2>
        ${renderPlots(comparison)}
      </section>
      ${
        comparison.tags.length === 0
          ? ''
          : html`<section>
              <h2>By tag</h2>
              ${renderSlices('tag', comparison.tags)}${comparison.tagsLeft === 0 ? '' : html`<p class="quiet">And ${comparison.tagsLeft} rarer tags.</p>`}
            </section>`
      }
      ${
        comparison.history.length === 0
          ? ''
          : html`<section>
              <h2>By history length</h2>
              ${renderSlices('events known', comparison.history)}
            </section>`
      }
      <section id="worst">
        <h2>Worst regressions</h2>
        ${renderChangesOrNone(comparison, 'worst')}
      </section>
      <section id="best">
        <h2>Largest gains</h2>
        ${renderChangesOrNone(comparison, 'best')}
      </section>
      ${
        comparison.exposure === null
          ? ''
          : html`<section>
              <h2>Exposure by ${comparison.exposure.field}</h2>
              <p class="quiet">Whose hits the reader’s attention goes to: each counts 1 / log2(rank + 1).</p>
              ${renderExposure(comparison.exposure)}
            </section>`
      }
      <section>
        <h2>The two runs</h2>
        ${renderRuns(comparison)}
      </section>
    </main>
    <footer>
      <p>${describeMethod(comparison)}</p>
      <p>Nothing in this file is loaded by the network. Grades come from the judgments; ? is not judged and counts 0.</p>
    </footer>
  </body>`;
}

function renderChangesOrNone(comparison: RunComparison, which: 'worst' | 'best'): Markup {
  const metric = comparison.metrics[0]?.metric ?? '';
  const changes = comparison[which];
  if (changes.length === 0) return html`<p class="quiet">No query ${which === 'worst' ? 'loses' : 'gains'} on ${metric}.</p>`;
  return html`<p class="quiet">By ${metric}, at most ${changes.length}. Open a query to see the two lists.</p>
    ${renderChanges(changes, { anchor: which, metric })}`;
}

function renderPlots(comparison: RunComparison): Markup {
  const anchors = new Map(
    (['worst', 'best'] as const).flatMap((which) =>
      comparison[which].map(({ query_id }, place) => [query_id, `${which}-${place + 1}`] as const),
    ),
  );
  return html`${comparison.metrics.map(({ metric }, place) => {
    const plots = html`<div class="plots">
      <figure>
        ${renderScatter(comparison, metric, anchors)}
        <figcaption>Each dot is the queries at one place, the larger the more. Above the diagonal B is ahead.</figcaption>
      </figure>
      <figure>
        ${renderSortedDifferences(comparison, metric)}
        <figcaption>B − A of every query, sorted.</figcaption>
      </figure>
    </div>`;
    return html`<details${place === 0 ? html` open` : ''}><summary>${metric}</summary>${plots}</details>`;
  })}`;
}
