/** How two orders differ. Pure. */

/**
 * @param {string[]} before ids, best first
 * @param {string[]} after ids, best first
 * @returns {Map<string, number | null>} for each id of `after`: places it went up (below 0: down), null = was not there
 */
export function countMoves(before, after) {
  const places = new Map(before.map((id, place) => [id, place]));
  return new Map(after.map((id, place) => [id, places.has(id) ? places.get(id) - place : null]));
}

/**
 * Places each hit went up from the engine's order: by the engine's rank in its explanation, which reaches beyond the
 * engine's page; else by comparing the two pages.
 * @param {string[]} engineIds
 * @param {object[]} ranked hits as `_search` gives them
 * @returns {Map<string, number | null>} null = not found by the engine's own search, or not on its page
 */
export function countMovesFromEngine(engineIds, ranked) {
  const onPage = countMoves(
    engineIds,
    ranked.map((hit) => hit._id),
  );
  return new Map(
    ranked.map((hit, place) => {
      const rank = hit.fields?._fuserank?.[0]?.first_phase?.rank;
      return [hit._id, typeof rank === 'number' ? rank - place : onPage.get(hit._id)];
    }),
  );
}

/** @returns {{text: string, kind: 'up' | 'down' | 'same' | 'new', spoken: string}} */
export function describeMove(move) {
  if (move === null) return { text: 'new', kind: 'new', spoken: 'not among the engine’s first' };
  if (move > 0) return { text: `▲${move}`, kind: 'up', spoken: `up ${move}` };
  if (move < 0) return { text: `▼${-move}`, kind: 'down', spoken: `down ${-move}` };
  return { text: '=', kind: 'same', spoken: 'same place' };
}

/** One sentence on what a click changed. `title` names an id. */
export function describeChange(before, after, title) {
  const moves = [...countMoves(before, after)].filter(([, move]) => move !== 0);
  if (moves.length === 0) return 'The click is known; it moved nothing in this list.';
  const climbed = moves.filter(([, move]) => move !== null && move > 0).sort((a, b) => b[1] - a[1]);
  const arrived = moves.filter(([, move]) => move === null);
  const best = climbed[0] ? ` “${title(climbed[0][0])}” went up ${climbed[0][1]}.` : '';
  const fresh = arrived.length > 0 ? ` ${arrived.length} came into the list.` : '';
  return `The click moved ${moves.length} of ${after.length} products.${best}${fresh}`;
}
