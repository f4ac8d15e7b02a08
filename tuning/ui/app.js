/** The page: one query, two orders, one shopper. */

import { element } from './element.js';
import { describeFound } from './found.js';
import { drawHits, pictureAddress, pictureOf, titleOf } from './hits.js';
import { countMovesFromEngine, describeChange } from './moves.js';
import { readOutcome } from './outcome.js';
import { searchBothWays, sendClick } from './searching.js';
import { openShop, readRoles } from './shop.js';
import { drawTimings } from './timings.js';

const find = (id) => document.getElementById(id);
const form = find('search');
const [query, shopperPicker, userBox, indexBox] = ['query', 'shopper', 'user', 'index'].map(find);

/** A visitor of this tab, known by no user id. */
const session = sessionStorage.getItem('session') ?? `ui-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}`;
sessionStorage.setItem('session', session);

const shop = await openShop();
/** Titles of products seen so far, for explanations. */
const titles = new Map(shop.shoppers.flatMap((shopper) => shopper.history.map((item) => [item.id, item.title])));
/** What this page recorded, by user or session. */
const clicked = new Map();
let shown = null;
/** Only the newest search may draw. */
let turn = 0;

const currentUser = () => {
  const value = (shop.shoppers.length > 0 ? shopperPicker.value : userBox.value).trim();
  return value === '' ? null : value;
};
const currentShopper = () => shop.shoppers.find((shopper) => shopper.user === currentUser()) ?? null;
const nameShopper = () => currentShopper()?.label ?? currentUser() ?? 'a new visitor';
const nameProduct = (id) => titles.get(id) ?? id;

function say(text, isTrouble = false) {
  find('status').textContent = text;
  find('status').classList.toggle('trouble', isTrouble);
}

function keepInAddress() {
  const state = new URLSearchParams({ q: query.value, ...(currentUser() === null ? {} : { user: currentUser() }), index: indexBox.value });
  history.replaceState(null, '', `?${state}`);
}

function drawHistory() {
  const past = currentShopper()?.history ?? [];
  const recent = clicked.get(currentUser() ?? session) ?? [];
  const items = [...past.map((item) => ({ ...item, picture: pictureAddress(shop.display.image.prefix + item.image) })), ...recent]
    .slice(-14)
    .reverse();
  find('history').hidden = items.length === 0;
  find('history-title').textContent = `What ${nameShopper()} looked at, newest first`;
  find('history-items').replaceChildren(
    ...items.map((item) =>
      element('li', {}, [
        item.picture === null
          ? element('span', {}, [item.title])
          : element('img', { src: item.picture, alt: item.title, title: item.title, loading: 'lazy' }),
      ]),
    ),
  );
}

function draw(result) {
  const { display } = shop;
  for (const hit of [...result.engine, ...result.ranked]) titles.set(hit._id, titleOf(hit, display));
  const engineIds = result.engine.map((hit) => hit._id);
  const moves = countMovesFromEngine(engineIds, result.ranked);
  find('ranked-title').textContent = `fuserank’s order for ${nameShopper()}`;
  drawHits(find('engine'), result.engine, { display, nameProduct, onPress: press });
  drawHits(find('ranked'), result.ranked, { display, moves, nameProduct, onPress: press });
  // Rows of equal place stand side by side: both lists share the rows of the grid around them.
  find('results').style.setProperty('--places', String(Math.max(1, result.engine.length, result.ranked.length)));
  find('hint').hidden = result.ranked.length === 0;
  drawTimings(find('timings'), result.timings);
  return moves;
}

/** @param {string | null} note said instead of the usual summary, given the orders before and after */
async function search(note = null) {
  if (!form.reportValidity()) return;
  const mine = ++turn;
  const index = indexBox.value.trim();
  keepInAddress();
  drawHistory();
  document.body.setAttribute('aria-busy', 'true');
  try {
    const roles = shop.textFields && index === shop.index ? { text: shop.textFields, id: shop.idField ?? '_id' } : await readRoles(index);
    const { title, image, fields } = shop.display;
    const result = await searchBothWays({
      index,
      query: query.value,
      textFields: roles.text,
      sourceFields: [title, image.field, ...fields],
      user: currentUser(),
      session,
    });
    if (mine !== turn) return;
    const before = shown?.ranked.map((hit) => hit._id) ?? [];
    const after = result.ranked.map((hit) => hit._id);
    shown = { ...result, query: query.value, idField: roles.id };
    const moves = draw(result);
    const outcome = readOutcome(result.outcome);
    if (result.ranked.length === 0) say(`Nothing found for “${query.value}” in ${index}.`);
    else if (!outcome.applied) say(outcome.text, true);
    else say(note ? describeChange(before, after, nameProduct) : describeFound({ ...result, moves }));
  } catch (error) {
    if (mine === turn) say(error instanceof Error ? error.message : String(error), true);
  } finally {
    if (mine === turn) document.body.removeAttribute('aria-busy');
  }
}

async function press(hit, ordinal) {
  const key = currentUser() ?? session;
  try {
    await sendClick({ id: hit._id, idField: shown.idField, ordinal, query: shown.query, user: currentUser(), session });
  } catch (error) {
    say(`The click was not recorded: ${error instanceof Error ? error.message : String(error)}`, true);
    return;
  }
  clicked.set(key, [...(clicked.get(key) ?? []), { title: titleOf(hit, shop.display), picture: pictureOf(hit, shop.display) }]);
  query.value = shown.query;
  await search('click');
  const again = [...document.querySelectorAll('#ranked li')].find((item) => item.dataset.id === hit._id);
  again?.classList.add('pressed');
  // The pressed button was drawn anew; a keyboard must not lose its place.
  if (document.activeElement === document.body) again?.querySelector('.product').focus({ preventScroll: true });
}

function setUp() {
  const asked = new URLSearchParams(location.search);
  indexBox.value = asked.get('index') ?? shop.index;
  find('queries').replaceChildren(...shop.queries.map((text) => element('option', { value: text })));
  find('suggestions').replaceChildren(
    ...shop.queries.map((text) => {
      const button = element('button', { type: 'button' }, [text]);
      button.addEventListener('click', () => {
        query.value = text;
        shown = null;
        void search();
      });
      return button;
    }),
  );
  if (shop.shoppers.length > 0) {
    shopperPicker.replaceChildren(
      element('option', { value: '' }, ['new visitor']),
      ...shop.shoppers.map((shopper) => element('option', { value: shopper.user }, [`${shopper.label} · likes ${shopper.taste}`])),
    );
    shopperPicker.value = asked.get('user') ?? shop.shoppers[0].user;
    find('index-field').hidden = true;
  } else {
    shopperPicker.hidden = true;
    shopperPicker.disabled = true;
    userBox.hidden = false;
    userBox.disabled = false;
    document.querySelector('label[for="shopper"]').htmlFor = 'user';
    userBox.value = asked.get('user') ?? '';
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void search();
  });
  shopperPicker.addEventListener('change', () => void search());
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      query.focus();
      query.select();
    }
  });
  query.value = asked.get('q') ?? shop.queries[0] ?? '';
  if (query.value !== '' && indexBox.value !== '') void search();
  else {
    const first = indexBox.value === '' ? 'Name an index and type a query' : 'Type a query';
    say(shop.queries.length > 0 ? `${first}, or press one of those above.` : `${first}.`);
    query.focus();
  }
}

setUp();
