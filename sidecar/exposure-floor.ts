/** Room for a group in the head of a list. */
export interface ExposureFloor {
  /** By position: whether the hit is of the group. */
  readonly isMember: (position: number) => boolean;
  /** 0–1: of the first k places, for every k up to `depth`, at least ⌊share · k⌋ are the group's, as far as that can be had. */
  readonly share: number;
  readonly depth: number;
  /** Nobody moves by more places than this, up or down. */
  readonly maxDisplacement: number;
}

/**
 * Raises hits of the group where a beginning of the list has too few of them, always the next one below, as FA*IR does (Zehlike et al.,
 * "FA*IR: a fair top-k ranking algorithm", CIKM 2017; the floor itself, without its significance test). Inside the group and outside of
 * it the order stays. A floor that only a longer way could meet is left unmet.
 * @returns the new order, and which hits were raised
 */
export function raiseToFloor(order: readonly number[], floor: ExposureFloor): { order: number[]; raised: ReadonlySet<number> } {
  const { isMember, share, maxDisplacement } = floor;
  const from = new Map(order.map((position, place) => [position, place]));
  const displaced = (position: number, place: number): number => Math.abs(place - (from.get(position) ?? place));
  const arranged = [...order];
  const raised = new Set<number>();
  let members = 0;
  for (let place = 0; place < Math.min(floor.depth, arranged.length); place++) {
    // Of 10 places .3 are 3: what floating point makes 2.9999… of is a whole number.
    if (members < Math.floor(share * (place + 1) + 1e-9)) {
      const below = arranged.findIndex((position, at) => at >= place && isMember(position));
      const next = arranged[below];
      const passed = arranged.slice(place, Math.max(place, below));
      const within =
        next !== undefined &&
        displaced(next, place) <= maxDisplacement &&
        passed.every((position, at) => displaced(position, place + at + 1) <= maxDisplacement);
      if (within && below > place) {
        arranged.splice(below, 1);
        arranged.splice(place, 0, next);
        raised.add(next);
      }
    }
    const here = arranged[place];
    if (here !== undefined && isMember(here)) members++;
  }
  return { order: arranged, raised };
}
