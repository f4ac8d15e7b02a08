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
  const parts = [element('dl', { class: 'shares' }, bars)];
  const facts = [
    ['final', why.final],
    ['OpenSearch’s score', why.first_phase?.score],
    ['place there', placeOf(why.first_phase?.rank)],
    ['place by text vectors', placeOf(why.text_knn?.rank)],
    ['place by picture vectors', placeOf(why.image_knn?.rank)],
    ['blend (weight of the model)', why.blend],
    ['gate (its trust in this list)', why.gate],
  ].filter(([, value]) => value !== undefined && value !== null);
  parts.push(element('p', { class: 'facts' }, [facts.map(([name, value]) => `${name} ${show(value)}`).join(' · ')]));
  const history = Array.isArray(why.history) ? why.history : [];
  if (history.length > 0) {
    const items = describeHistory(history, nameProduct).map((text) => element('li', {}, [text]));
    parts.push(element('p', { class: 'facts' }, ['Weighed most of what the shopper did:']), element('ul', { class: 'facts' }, items));
  }
  if (typeof why.no_vector_legs === 'string')
    parts.push(element('p', { class: 'facts' }, [`Nothing was added by vectors: ${why.no_vector_legs}`]));
  return parts;
}
