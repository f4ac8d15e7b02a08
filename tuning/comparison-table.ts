import type { HitExplanation, SearchComparison, SeenHit } from './search-console.js';

/** Width of the title columns at 120 characters a line. */
const TITLE_WIDTH = 44;
/** Characters of the widest bar, to either side. */
const BAR_WIDTH = 16;

/** The two orders side by side: place, the engine's hit, ours, and how far ours came up. */
export function renderComparison(comparison: SearchComparison): string {
  const places = new Map(comparison.engineIds.map((id, place) => [id, place]));
  const rows = Math.max(comparison.engine.length, comparison.ranked.length);
  const lines = [`  #  ${pad('engine', TITLE_WIDTH)}  ${pad('fuserank', TITLE_WIDTH)}  move`];
  for (let place = 0; place < rows; place++) {
    const ranked = comparison.ranked[place];
    lines.push(
      `${String(place + 1).padStart(3)}  ${pad(describe(comparison.engine[place]), TITLE_WIDTH)}  ${pad(describe(ranked), TITLE_WIDTH)}  ${ranked ? move(ranked, place, places) : ''}`,
    );
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** One hit's arithmetic: what each signal gave, and what of the history weighed most. */
export function renderExplanation(hit: SeenHit & { readonly label?: string }): string {
  const { explanation } = hit;
  if (!explanation) return `${hit.id}  ${hit.title}: not ranked${hit.label ? ` (${hit.label})` : ''}`;
  const shares = Object.entries(explanation.shares).filter(([, share]) => Math.abs(share) >= 0.0005);
  const widest = Math.max(0.001, ...shares.map(([, share]) => Math.abs(share)));
  const first = explanation.first_phase;
  const columns = explanation.columns ?? [];
  const without = Object.entries(explanation.without ?? {});
  return [
    `${hit.id}  ${hit.title}`,
    `  rank ${explanation.rank + 1}; first phase ${first.rank === null ? `did not find it${addedBy(explanation)}` : `rank ${first.rank + 1}, score ${first.score}`}; blend (weight of the model) ${explanation.blend.toFixed(2)}, gate (its trust in this list) ${explanation.gate.toFixed(2)}`,
    ...shares.map(([name, share]) => `  ${name.padEnd(14)} ${share >= 0 ? '+' : '-'}${Math.abs(share).toFixed(3)}  ${bar(share / widest)}`),
    `  ${'final'.padEnd(14)} ${explanation.final.toFixed(4)}`,
    ...(explanation.moved_by ? [`  placed by the rule ${explanation.moved_by.rule}, from rank ${explanation.moved_by.from + 1}`] : []),
    ...(columns.length === 0 ? [] : [`  heaviest columns: ${columns.slice(0, NAMED_COLUMNS).map(describeColumn).join(', ')}`]),
    ...(explanation.modalities ? [`  modalities: ${explanation.modalities.map(describeShare).join(', ')}`] : []),
    ...(without.length === 0
      ? []
      : [`  rank by score alone without ${without.map(([group, { rank }]) => `${group}: ${place(rank)}`).join(', ')}`]),
    ...(explanation.history.length === 0
      ? []
      : [`  weighed most of what the shopper did: ${describeHistory(explanation.history).join(', ')}`]),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}

const NAMED_COLUMNS = 6;

function describeColumn({ name, value, share }: { name: string; value: number; share: number }): string {
  return `${describeShare({ name, share })} (${Number(value.toPrecision(3))})`;
}

function describeShare({ name, share }: { name: string; share: number }): string {
  return `${name} ${share >= 0 ? '+' : '-'}${Math.abs(share).toFixed(3)}`;
}

function place(rank: number | null): string {
  return rank === null ? 'none' : String(rank + 1);
}

/** Which vectors brought a hit that the words did not find. */
function addedBy({ text_knn: text, image_knn: image }: HitExplanation): string {
  const legs = Object.entries({ text, image }).flatMap(([name, leg]) =>
    leg?.rank == null ? [] : [`${name} vectors at rank ${leg.rank + 1}`],
  );
  return legs.length === 0 ? '' : `, added by ${legs.join(' and ')}`;
}

/** A share of the widest one, −1 to 1: below 0 it grows to the left of the axis, above to the right. */
function bar(share: number): string {
  const blocks = '█'.repeat(Math.round(BAR_WIDTH * Math.abs(share)));
  return share < 0 ? `${blocks.padStart(BAR_WIDTH)}│` : `${' '.repeat(BAR_WIDTH)}│${blocks}`;
}

/** Items that the search did not return come without a name, and are told together. */
function describeHistory(history: HitExplanation['history']): string[] {
  const percent = (weight: number): string => `(${(100 * weight).toFixed(0)} %)`;
  const unnamed = history.filter(({ object_id }) => object_id === null);
  const named = history.flatMap(({ object_id, weight }) => (object_id === null ? [] : [`${object_id} ${percent(weight)}`]));
  if (unnamed.length === 0) return named;
  const weight = unnamed.reduce((sum, item) => sum + item.weight, 0);
  const products = unnamed.length === 1 ? 'product' : 'products';
  return [...named, `${unnamed.length} earlier ${products} that this search did not return ${percent(weight)}`];
}

function describe(hit: SeenHit | undefined): string {
  return hit ? [...new Set([hit.id, hit.title]), ...hit.fields].join(' · ') : '';
}

function move(hit: SeenHit, place: number, places: ReadonlyMap<string, number>): string {
  const before = places.get(hit.id);
  if (before === undefined) return '▲ new';
  return before === place ? '·' : before > place ? `▲ ${before - place}` : `▼ ${place - before}`;
}

/** Cut or filled to a width; combining marks and wide characters are counted as one column each. */
function pad(text: string, width: number): string {
  const characters = [...text.replace(/\s+/g, ' ')];
  return characters.length > width
    ? `${characters.slice(0, width - 1).join('')}…`
    : text.replace(/\s+/g, ' ') + ' '.repeat(width - characters.length);
}
