/** Why a hit stands where it stands: the sidecar's own arithmetic, as bars. */

import { element } from './element.js';

const SIGNALS = {
  retrieval: 'how it was found',
  query_text: 'query · text',
  query_image: 'query · picture',
  history_text: 'history · text',
  history_image: 'history · pictures',
  business: 'price, rating, …',
  first_phase: 'OpenSearch’s score',
  baseline: 'without any signal',
};

const nameSignal = (name) => SIGNALS[name] ?? name.replaceAll(/[_-]/g, ' ');
const show = (value) =>
  typeof value === 'number'
    ? Number.isInteger(value)
      ? String(value)
      : value.toFixed(Math.abs(value) >= 100 ? 0 : 2)
    : String(value ?? '–');

const placeOf = (rank) => (typeof rank === 'number' ? rank + 1 : undefined);

/** @param {Record<string, unknown>} why one hit's `fields._fuserank[0]` */
export function drawWhy(why, nameProduct) {
  const rows = Object.entries(why.shares ?? {}).filter(([, value]) => typeof value === 'number');
  const widest = Math.max(1e-9, ...rows.map(([, value]) => Math.abs(value)));
  const bars = rows.map(([name, value]) => {
    const bar = element('span', { class: value < 0 ? 'bar against' : 'bar' });
    bar.style.width = `${(Math.abs(value) / widest) * 50}%`;
    return element('div', { class: 'share' }, [
      element('dt', {}, [nameSignal(name)]),
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
    ['weight of the model', why.blend],
    ['its trust in this list', why.gate],
  ].filter(([, value]) => value !== undefined && value !== null);
  parts.push(element('p', { class: 'facts' }, [facts.map(([name, value]) => `${name} ${show(value)}`).join(' · ')]));
  const history = Array.isArray(why.history) ? why.history : [];
  if (history.length > 0) {
    const items = history.map((item) => element('li', {}, [`${nameProduct(item.object_id)} (${show(item.weight)})`]));
    parts.push(element('p', { class: 'facts' }, ['Weighed most of what the shopper did:']), element('ul', { class: 'facts' }, items));
  }
  if (typeof why.no_vector_legs === 'string')
    parts.push(element('p', { class: 'facts' }, [`Nothing was added by vectors: ${why.no_vector_legs}`]));
  return parts;
}
