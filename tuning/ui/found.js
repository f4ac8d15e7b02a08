/** One sentence on what was found, and by whom. Pure. */

const wasAdded = (hit) => hit.fields?._fuserank?.[0]?.first_phase?.rank === null;

/**
 * @param {{total: number, atLeast: boolean, rankedTotal: number, ranked: object[], moves: Map<string, number | null>}} result
 *   `total` is OpenSearch's own count, `rankedTotal` the count with what the vector legs added, `moves` by hit id
 */
export function describeFound({ total, atLeast, rankedTotal, ranked, moves }) {
  const found = total === 0 ? 'OpenSearch found nothing' : `OpenSearch found ${atLeast ? 'at least ' : ''}${total}`;
  const addedHere = ranked.filter(wasAdded).length;
  const elsewhere = ranked.filter((hit) => !wasAdded(hit) && moves.get(hit._id) !== 0).length;
  const parts = [
    ...(addedHere > 0 ? [`${addedHere} ${addedHere === 1 ? 'was' : 'were'} added by vectors`] : []),
    ...(addedHere < ranked.length
      ? [`${elsewhere === 0 ? 'none' : elsewhere} ${elsewhere <= 1 ? 'stands' : 'stand'} elsewhere than in OpenSearch’s order`]
      : []),
  ];
  const shown = total === 0 ? '' : ` Of the ${ranked.length} shown, ${parts.join(' and ')}.`;
  return `${found}${describeAdded(rankedTotal - total, total > 0 ? ' more' : '')}.${shown}`;
}

function describeAdded(count, more) {
  if (count <= 0) return '';
  return count === 1 ? `; 1${more} that looks or reads alike was added` : `; ${count}${more} that look or read alike were added`;
}
