import type { ChangedQuery, ListedHit } from '../../changed-query.js';
import { formatDifference, formatValue } from '../figures.js';
import { html, type Markup } from './markup.js';
import { renderPicture } from './picture.js';

/** Shades of a grade's chip: 0 and four steps up to the best grade of the two lists. */
const SHADES = 4;

/** Queries that changed most, the first one open, the others to be opened: its figures and the two lists side by side. */
export function renderChanges(changes: readonly ChangedQuery[], options: { anchor: string; metric: string }): Markup {
  return html`${changes.map((change, place) => renderChange(change, { id: `${options.anchor}-${place + 1}`, metric: options.metric, open: place === 0 }))}`;
}

function renderChange(change: ChangedQuery, options: { id: string; metric: string; open: boolean }): Markup {
  const value = change.values[options.metric];
  const pictured = [...change.a, ...change.b].some(({ image }) => image !== undefined);
  const best = Math.max(...[...change.a, ...change.b].map(({ grade }) => grade ?? 0));
  const about = [
    change.query_id,
    ...(change.user_id === null ? [] : [`user ${change.user_id}`]),
    ...(change.history_length === null ? [] : [`${change.history_length} events known`]),
    ...change.tags,
  ];
  return html`<details class="change" id="${options.id}" ${options.open ? html` open` : ''}>
    <summary>
      <span class="delta ${change.difference < 0 ? 'down' : 'up'}">${formatDifference(change.difference, 3)}</span>${
        change.image === null ? '' : renderPicture(change.image)
      }<span class="query"><strong>${change.query ?? 'search by a picture'}</strong> <span class="quiet">${about.join(' · ')}</span></span
      ><span class="values">${value ? `${formatValue(value.a, 3)} → ${formatValue(value.b, 3)}` : ''}</span>
    </summary>
    <p class="quiet">
      ${Object.entries(change.values).map(([metric, both], place) => `${place === 0 ? '' : ' · '}${metric} ${both ? `${formatValue(both.a, 3)} → ${formatValue(both.b, 3)}` : '–'}`)}
    </p>
    <div class="lists">${renderList('A', change.a, { best, pictured })}${renderList('B', change.b, { best, pictured })}</div>
  </details>`;
}

/** How the hits of both lists are drawn: the highest grade among them, and whether any has a picture. */
interface Drawing {
  readonly best: number;
  readonly pictured: boolean;
}

function renderList(side: 'A' | 'B', hits: readonly ListedHit[], drawing: Drawing): Markup {
  return html`<section aria-label="list of ${side}">
    <h4>${side}</h4>
    ${
      hits.length === 0
        ? html`<p class="quiet">no hits</p>`
        : html`<ol>
            ${hits.map((hit) => renderHit(side, hit, drawing))}
          </ol>`
    }
  </section>`;
}

function renderHit(side: 'A' | 'B', hit: ListedHit, { best, pictured }: Drawing): Markup {
  return html`<li>
    <span class="rank">${hit.rank}</span>${pictured ? renderPicture(hit.image) : ''}<span class="title"
      >${hit.title ?? hit.id}<span class="quiet"
        >${hit.title === undefined ? '' : hit.id}${hit.score === null ? '' : ` · ${Number(hit.score.toPrecision(4))}`}</span
      ></span
    >${renderMove(side, hit)}${renderGrade(hit.grade, best)}
  </li>`;
}

/** In B: where it came from; in A: where it went. */
function renderMove(side: 'A' | 'B', { rank, otherRank }: ListedHit): Markup {
  if (otherRank === null) {
    return side === 'A'
      ? html`<span class="move down" title="not in B’s list">gone</span>`
      : html`<span class="move new" title="not in A’s list">new</span>`;
  }
  if (otherRank === rank) return html`<span class="move quiet" title="at the same rank">=</span>`;
  const [was, is] = side === 'A' ? [rank, otherRank] : [otherRank, rank];
  const kind = is < was ? 'up' : 'down';
  return html`<span class="move ${kind}" title="A ${was}, B ${is}"
    >${is < was ? '↑' : '↓'} ${side === 'A' ? `to ${is}` : `from ${was}`}</span
  >`;
}

function renderGrade(grade: number | null, best: number): Markup {
  if (grade === null) return html`<span class="grade unjudged" title="not judged">?</span>`;
  const shade = best > 0 ? Math.ceil(Math.min(1, Math.max(0, grade / best)) * SHADES) : 0;
  return html`<span class="grade shade-${shade}" title="grade ${grade}">${Number(grade.toFixed(2))}</span>`;
}
