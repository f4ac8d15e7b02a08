/** Why a hit stands where it stands: the sidecar's own arithmetic, as bars. */

import { element } from './element.js';

/** What each share is; the names are those of `fields._fuserank` and of `fuserank explain`. */
const SHARES = {
  first_phase: 'OpenSearch’s score, standardised over the list',
  retrieval: 'how it was found, as the model reads it: score, ranks and legs',
  query_text: 'the query’s words against its text',
  query_image: 'the query’s photo, or its words, against its picture',
  business: 'price, rating, brand and category, the shopper’s own among them',
  behaviour: 'what all shoppers did with it, and with the shopper’s own products',
  history_text: 'what the shopper did, against its text',
  history_image: 'what the shopper did, against its picture',
  baseline: 'what the model gives without any signal, centred on the list',
};

const show = (value) =>
  typeof value === 'number'
    ? Number.isInteger(value)
      ? String(value)
      : value.toFixed(Math.abs(value) >= 100 ? 0 : 2)
    : String(value ?? '–');

const placeOf = (rank) => (typeof rank === 'number' ? rank + 1 : undefined);

/**
 * The history items that weighed most. Those that the search did not return come without a name, and are told together.
 * @param {{object_id: string | null, weight: number}[]} history
 */
export function describeHistory(history, nameProduct) {
  const unnamed = history.filter((item) => item.object_id === null);
  const weight = unnamed.reduce((sum, item) => sum + item.weight, 0);
  const rest = `${unnamed.length} earlier ${unnamed.length === 1 ? 'product' : 'products'} that this search did not return (${show(weight)})`;
  return [
    ...history.filter((item) => item.object_id !== null).map((item) => `${nameProduct(item.object_id)} (${show(item.weight)})`),
    ...(unnamed.length > 0 ? [rest] : []),
  ];
}

const RETRIEVERS = {
  first_phase: 'OpenSearch’s own search',
  lexical: 'the words of a hybrid search',
  text_knn: 'text vectors',
  image_knn: 'picture vectors',
};

/**
 * What each retriever said of a hit; one that was not asked, or did not find it, has no place.
 * @param {Record<string, {score: number | null, rank: number | null} | undefined>} why
 * @returns {{name: string, score: string, place: string}[]}
 */
export function describeRetrievers(why) {
  return Object.entries(RETRIEVERS).flatMap(([member, name]) => {
    const found = why[member];
    return found ? [{ name, score: show(found.score), place: show(placeOf(found.rank)) }] : [];
  });
}

/**
 * The rule of the shop that gave a hit its place; null where its score did.
 * @param {{rule: string, from: number, group?: string | null, similarity?: number, like?: string | null} | undefined} move
 */
export function describeRule(move, nameProduct) {
  if (!move) return null;
  const byScore = `by score alone it would stand at ${show(placeOf(move.from))}`;
  switch (move.rule) {
    case 'pin':
      return `Pinned to this place; ${byScore}.`;
    case 'max_per_group':
      return `Moved down since enough of ${move.group ? `“${move.group}”` : 'its group'} stand above; ${byScore}.`;
    case 'floor':
      return `Raised, so that its group has its share of the top; ${byScore}.`;
    case 'mmr': {
      const other = typeof move.like === 'string' ? `“${nameProduct(move.like)}”` : 'a product above it';
      return `Moved for variety, being like ${other} (${show(move.similarity)}); ${byScore}.`;
    }
    default:
      return `Moved by the rule ${move.rule}; ${byScore}.`;
  }
}

const GROUPS = { history: 'what the shopper did', picture: 'pictures', counts: 'what all shoppers did' };

/**
 * Where a hit would stand by score alone, had a group of facts never been known.
 * @param {Record<string, {rank: number | null}> | undefined} without
 */
export function describeWithout(without) {
  return Object.entries(without ?? {}).map(([group, { rank }]) => `without ${GROUPS[group] ?? group}: ${show(placeOf(rank))}`);
}

function drawRetrievers(why) {
  const rows = describeRetrievers(why).map(({ name, score, place }) =>
    element('tr', {}, [element('th', { scope: 'row' }, [name]), element('td', {}, [score]), element('td', {}, [place])]),
  );
  const head = ['found by', 'score', 'place'].map((name) => element('th', { scope: 'col' }, [name]));
  return element('table', { class: 'retrievers' }, [element('thead', {}, [element('tr', {}, head)]), element('tbody', {}, rows)]);
}

/** @param {Record<string, unknown>} why one hit's `fields._fuserank[0]` */
export function drawWhy(why, nameProduct) {
  const rows = Object.entries(why.shares ?? {}).filter(([, value]) => typeof value === 'number');
  const widest = Math.max(1e-9, ...rows.map(([, value]) => Math.abs(value)));
  const bars = rows.map(([name, value]) => {
    const bar = element('span', { class: value < 0 ? 'bar against' : 'bar' });
    bar.style.width = `${(Math.abs(value) / widest) * 50}%`;
    return element('div', { class: 'share', title: SHARES[name] ?? false }, [
      element('dt', {}, [name]),
      element('dd', {}, [
        element('span', { class: 'track', 'aria-hidden': 'true' }, [bar]),
        element('span', { class: 'number' }, [`${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(2)}`]),
      ]),
    ]);
  });
  const rule = describeRule(why.moved_by, nameProduct);
  const parts = [
    ...(rule === null ? [] : [element('p', { class: 'rule' }, [rule])]),
    element('dl', { class: 'shares' }, bars),
    drawRetrievers(why),
  ];
  const facts = [
    ['final', why.final],
    ['blend (weight of the model)', why.blend],
    ['gate (its trust in this list)', why.gate],
  ].filter(([, value]) => value !== undefined && value !== null);
  parts.push(element('p', { class: 'facts' }, [facts.map(([name, value]) => `${name} ${show(value)}`).join(' · ')]));
  const without = describeWithout(why.without);
  if (without.length > 0) parts.push(element('p', { class: 'facts' }, [`Its place by score alone, ${without.join(' · ')}`]));
  const history = Array.isArray(why.history) ? why.history : [];
  if (history.length > 0) {
    const items = describeHistory(history, nameProduct).map((text) => element('li', {}, [text]));
    parts.push(element('p', { class: 'facts' }, ['Weighed most of what the shopper did:']), element('ul', { class: 'facts' }, items));
  }
  if (typeof why.no_vector_legs === 'string')
    parts.push(element('p', { class: 'facts' }, [`Nothing was added by vectors: ${why.no_vector_legs}`]));
  return parts;
}
