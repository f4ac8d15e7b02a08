/** The lists of products. */

import { element } from './element.js';
import { describeMove } from './moves.js';
import { drawWhy } from './why.js';

/** Value at a dotted path of a hit's `_source`, where keys themselves may hold dots. */
export function readField(source, path) {
  if (source === null || typeof source !== 'object') return undefined;
  if (path in source) return source[path];
  const dot = path.indexOf('.');
  return dot < 0 ? undefined : readField(source[path.slice(0, dot)], path.slice(dot + 1));
}

const first = (value) => (Array.isArray(value) ? value[0] : value);

export function titleOf(hit, display) {
  return String(first(readField(hit._source, display.title)) ?? hit._id);
}

/** Address of a hit's picture; null where it has none. Only http(s) and same-origin addresses are ever shown. */
export function pictureOf(hit, display) {
  const value = first(readField(hit._source, display.image.field));
  return typeof value === 'string' && value !== '' ? pictureAddress(display.image.prefix + value) : null;
}

export function pictureAddress(text) {
  try {
    const url = new URL(text, document.baseURI);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function drawPicture(address) {
  if (address === null) return element('span', { class: 'picture absent', 'aria-hidden': 'true' });
  const picture = element('img', { class: 'picture', src: address, alt: '', loading: 'lazy', decoding: 'async' });
  picture.addEventListener('error', () => picture.replaceWith(element('span', { class: 'picture absent', 'aria-hidden': 'true' })));
  return picture;
}

/** Numbers are told with their field's name, words speak for themselves. */
function drawFields(hit, display) {
  const values = display.fields.flatMap((field) => {
    const value = readField(hit._source, field);
    if (value === undefined || value === null || value === '') return [];
    return [typeof value === 'number' ? `${field.replaceAll('_', ' ')} ${value}` : [value].flat().join(' › ')];
  });
  return element('span', { class: 'fields' }, [values.join(' · ')]);
}

/**
 * Fills a list.
 * @param {HTMLOListElement} list
 * @param {object[]} hits as `_search` gives them
 * @param {{display: object, moves?: Map<string, number | null>, nameProduct: (id: string) => string, onPress: (hit: object, ordinal: number) => void}} options
 */
export function drawHits(list, hits, { display, moves, nameProduct, onPress }) {
  const before = rememberPlaces(list);
  const open = new Set([...list.querySelectorAll('details[open]')].map((details) => details.closest('li')?.dataset.id));
  list.replaceChildren(
    ...hits.map((hit, place) => {
      const move = moves ? describeMove(moves.get(hit._id) ?? null) : null;
      const button = element('button', { type: 'button', class: 'product' }, [
        element('span', { class: 'place' }, [String(place + 1)]),
        drawPicture(pictureOf(hit, display)),
        element('span', { class: 'words' }, [element('span', { class: 'title' }, [titleOf(hit, display)]), drawFields(hit, display)]),
        ...(move
          ? [
              element('span', { class: `move ${move.kind}`, 'aria-hidden': 'true' }, [move.text]),
              element('span', { class: 'spoken' }, [`, ${move.spoken}`]),
            ]
          : []),
      ]);
      button.addEventListener('click', () => onPress(hit, place + 1));
      const why = hit.fields?._fuserank?.[0];
      const item = element('li', { 'data-id': hit._id }, [button]);
      if (why) {
        const details = element('details', { open: open.has(hit._id) }, [
          element('summary', {}, ['why this', element('span', { class: 'spoken' }, [`: ${titleOf(hit, display)}`])]),
          ...drawWhy(why, nameProduct),
        ]);
        item.append(details);
      }
      return item;
    }),
  );
  glideFrom(list, before);
}

function rememberPlaces(list) {
  return new Map([...list.children].map((item) => [item.dataset.id, item.getBoundingClientRect().top]));
}

/** Lets each product glide from where it stood, so that the eye can follow what moved. */
function glideFrom(list, before) {
  if (before.size === 0 || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  for (const item of list.children) {
    const was = before.get(item.dataset.id);
    const distance = was === undefined ? 0 : was - item.getBoundingClientRect().top;
    if (was === undefined) item.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 500 });
    else if (Math.abs(distance) > 1)
      item.animate([{ transform: `translateY(${distance}px)` }, { transform: 'none' }], {
        duration: 550,
        easing: 'cubic-bezier(.2,.7,.2,1)',
      });
  }
}
