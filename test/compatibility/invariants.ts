import { itemsOf, memberOf, plainText, readJson, rewrite, valueAt, type JsonText } from './json-text.js';

/**
 * The invariants of a ranked answer, checked from the answers alone: nothing of the sidecar's code is used, every number is
 * compared as it is written. Each check gives what differs, in words; nothing differs where the list is empty.
 */
export interface RankedCase {
  /** The engine's answer to the client's request, and the sidecar's. */
  readonly direct: string;
  readonly through: string;
  /** The engine's answer to the same request from 0 on, all hits: order, bodies, scores. */
  readonly wide: string;
  /** The sidecar's answer to that one. */
  readonly list: string;
  readonly from: number;
  readonly size: number;
  readonly window: number;
  /** 0 = strict. */
  readonly maxAdded: number;
  /** Fields of ours that the client asks for by name. */
  readonly named: readonly string[];
  /** The engine's own bodies of hits that only the vector legs found, by the client's presentation. */
  readonly bodiesOf: (hits: readonly HitName[]) => Promise<string>;
  /** The ids among them that pass the client's constraints. */
  readonly admitted: (hits: readonly HitName[]) => Promise<readonly string[]>;
}

export interface HitName {
  readonly index: string;
  readonly id: string;
}

export interface RankedVerdict {
  readonly differences: readonly string[];
  /** Hits that were added to the list. */
  readonly added: number;
  /** The page's order is not the engine's. */
  readonly moved: boolean;
}

/** Members that the indexer adds to a product. */
export const OWN_FIELDS = ['text_vector', 'image_vector', 'rank_key', 'content_hash', 'group_key'];

interface Hit extends HitName {
  readonly key: string;
  readonly json: JsonText;
  readonly score: string;
}

export async function checkRanked(of: RankedCase): Promise<RankedVerdict> {
  const [direct, through, wide, list] = [of.direct, of.through, of.wide, of.list].map(readJson);
  if (!direct || !through || !wide || !list) throw new Error('four answers are needed');
  const engine = hitsOf(wide);
  const head = engine.slice(0, of.window);
  const ranked = hitsOf(list);
  const page = hitsOf(through);
  const headKeys = new Set(head.map(({ key }) => key));
  const { length, added, differences } = splitList(ranked, engine, of);
  differences.push(...(await checkAdded(added, of)));
  differences.push(...differencesAround(direct, through, of));
  differences.push(...differencesOfTotal(direct, through, { added: added.length, length }));
  const expectedPage = ranked.slice(of.from, of.from + of.size);
  if (keysOf(page) !== keysOf(expectedPage)) differences.push(`page: ${keysOf(page)} is not the list's ${keysOf(expectedPage)}`);
  if (new Set(ranked.map(({ key }) => key)).size !== ranked.length) differences.push('list: a hit stands in it twice');
  const addedBodies = added.length === 0 ? [] : hitsOf(readJson(await of.bodiesOf(added)));
  const bodies = new Map([...addedBodies, ...engine].map((hit) => [hit.key, hit]));
  const literals = head.map(({ score }) => score);
  for (const [name, hits, first] of [['list', ranked, 0] as const, ['page', page, of.from] as const]) {
    hits.forEach((hit, place) => {
      const body = bodies.get(hit.key);
      if (!body) return differences.push(`${name}: ${hit.key} is none of the engine's`);
      differences.push(...differencesOfHit(hit.json, body.json, of.named).map((text) => `${name}, ${hit.key}: ${text}`));
      const rank = first + place;
      // Where the words find nothing there is no literal to repeat.
      const due = rank < length && literals.length > 0 ? literals[Math.min(rank, literals.length - 1)] : body.score;
      if (hit.score !== due) differences.push(`${name}, place ${rank}: _score ${hit.score}, not ${due}`);
    });
  }
  const enginePage = engine.slice(of.from, of.from + of.size);
  return { differences: differences.slice(0, 8), added: added.length, moved: keysOf(page) !== keysOf(enginePage) && headKeys.size > 1 };
}

/**
 * The list is the window permuted, with at most `maxAdded` others in it, and then the engine's tail without those. Where
 * it ends is not said, so that every length is tried that its own hits allow.
 */
function splitList(
  ranked: readonly Hit[],
  engine: readonly Hit[],
  { window, maxAdded }: RankedCase,
): { length: number; added: readonly Hit[]; differences: string[] } {
  const head = new Set(engine.slice(0, window).map(({ key }) => key));
  const places = ranked.flatMap(({ key }, place) => (head.has(key) ? [place] : []));
  if (places.length !== head.size) {
    const lost = [...head].filter((key) => !ranked.some((hit) => hit.key === key));
    return { length: head.size, added: [], differences: [`list: lacks ${lost.join(', ')}`] };
  }
  const least = (places.at(-1) ?? -1) + 1;
  for (let length = least; length <= Math.min(ranked.length, head.size + maxAdded); length += 1) {
    const added = ranked.slice(0, length).filter(({ key }) => !head.has(key));
    const out = new Set(added.map(({ key }) => key));
    const tail = engine.slice(window).filter(({ key }) => !out.has(key));
    if (keysOf(ranked.slice(length)) === keysOf(tail)) return { length, added, differences: [] };
  }
  const strangers = ranked.filter(({ key }) => !head.has(key)).map(({ key }) => key);
  return { length: least, added: [], differences: [`list: ${strangers.join(', ')} are neither allowed to be added nor the engine's tail`] };
}

async function checkAdded(added: readonly Hit[], of: RankedCase): Promise<string[]> {
  if (added.length === 0) return [];
  const admitted = new Set(await of.admitted(added));
  return added.filter(({ id }) => !admitted.has(id)).map(({ key }) => `added: ${key} does not pass the client's constraints`);
}

/** All but the hits, `took` and the total: same members, same order, same bytes. */
function differencesAround(direct: JsonText, through: JsonText, { named }: RankedCase): string[] {
  const skip = (name: string): boolean => ['took', 'phase_took', 'hits', 'total'].includes(name);
  return [
    ...compareMembers(direct, through, { skip, named, where: 'answer' }),
    ...compareMembers(memberOf(direct, 'hits'), memberOf(through, 'hits'), { skip, named, where: 'hits' }),
    ...differencesOfBlanks(direct, through),
  ];
}

/** Blanks between hits, where both pages have two or more. */
function differencesOfBlanks(direct: JsonText, through: JsonText): string[] {
  const [due, got] = [direct, through].map((answer) => separators(valueAt(answer, 'hits', 'hits')));
  return due === got || due === null || got === null ? [] : [`hits: ${got} between them, not ${due}`];
}

function separators(list: JsonText | null): string | null {
  const items = itemsOf(list);
  if (!list || items.length < 2) return null;
  const [first, second] = items;
  if (!first || !second) return null;
  const before = list.text.indexOf(first.text);
  const between = list.text.slice(before + first.text.length, list.text.indexOf(second.text, before + first.text.length));
  return JSON.stringify([list.text.slice(0, before), between]);
}

function compareMembers(
  direct: JsonText | null,
  through: JsonText | null,
  how: { skip: (name: string) => boolean; named: readonly string[]; where: string },
): string[] {
  const [a, b] = [direct, through].map((each) => (each?.kind === 'object' ? each.members : []));
  if (!a || !b) return [];
  const [names, ours] = [a, b].map((members) => members.map(({ keyText }) => keyText).join());
  if (names !== ours) return [`${how.where}: members ${ours}, not ${names}`];
  return a.flatMap(({ key, value }, place) => {
    const other = b[place]?.value;
    if (how.skip(key) || !other) return [];
    const due = withoutOwnFields(value, how.named);
    const got = rewrite(other, () => undefined);
    return got === due ? [] : [`${how.where}.${key}: ${firstDifference(got, due)}`];
  });
}

function differencesOfTotal(direct: JsonText, through: JsonText, list: { added: number; length: number }): string[] {
  const [due, got] = [valueAt(direct, 'hits', 'total'), valueAt(through, 'hits', 'total')];
  if (due === null || got === null) return due === got ? [] : ['hits.total: came or went'];
  if (list.added === 0) return due.text === got.text ? [] : [`hits.total: ${got.text}, not ${due.text}`];
  const [before, after] = [due, got].map((total) => Number(plainText(memberOf(total, 'value') ?? total)));
  if (plainText(memberOf(due, 'relation')) !== plainText(memberOf(got, 'relation'))) return ['hits.total.relation: differs'];
  const least = Math.max(before ?? 0, list.length);
  return after === least ? [] : [`hits.total: ${after}, not ${least}`];
}

/** All of a hit but its `_score`, our fields cut from the engine's; as written, blanks included, where nothing was cut. */
function differencesOfHit(got: JsonText, engine: JsonText, named: readonly string[]): string[] {
  const raw = (hit: JsonText): string => hit.text.replace(/("_score"\s*:\s*)[^,}\s]+/, '$1*');
  if (raw(got) === raw(engine)) return [];
  const [text, due] = [rewrite(got, maskScore), rewrite(engine, (value, key) => maskScore(value, key) ?? cutOwn(value, key, named))];
  if (text !== due) return [firstDifference(text, due)];
  return holdsOwnField(engine) ? [] : ['the blanks in it differ'];
}

function maskScore(_value: JsonText, key: string | null): string | undefined {
  return key === '_score' ? '0' : undefined;
}

function holdsOwnField(value: JsonText): boolean {
  return OWN_FIELDS.some((field) => value.text.includes(`"${field}"`));
}

/** The text without our members of any `_source` and `fields` in it. */
export function withoutOwnFields(value: JsonText, named: readonly string[]): string {
  return rewrite(value, (each, key) => cutOwn(each, key, named));
}

function cutOwn(value: JsonText, key: string | null, named: readonly string[]): string | undefined {
  if ((key !== '_source' && key !== 'fields') || value.kind !== 'object') return undefined;
  const kept = value.members.filter((member) => !OWN_FIELDS.includes(member.key) || named.includes(member.key));
  return `{${kept.map((member) => `${member.keyText}:${rewrite(member.value, () => undefined)}`).join(',')}}`;
}

function hitsOf(answer: JsonText): Hit[] {
  return itemsOf(valueAt(answer, 'hits', 'hits')).map((json) => {
    const [index, id] = [plainText(memberOf(json, '_index')), plainText(memberOf(json, '_id'))];
    return { json, index, id, key: `${index}/${id}`, score: memberOf(json, '_score')?.text ?? 'none' };
  });
}

function keysOf(hits: readonly Hit[]): string {
  return hits.map(({ key }) => key).join(' ');
}

/** Both texts around the first place where they part. */
export function firstDifference(got: string, due: string): string {
  let at = 0;
  while (at < got.length && got[at] === due[at]) at += 1;
  const cut = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 40), at + 60));
  return `${cut(got)}, not ${cut(due)}`;
}
