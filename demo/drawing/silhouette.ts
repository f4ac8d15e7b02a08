import type { Chance } from '../random.js';

/** What a part is made of: the dyed and printed body, or one of the fittings around it. */
export type Fabric = 'body' | 'trim' | 'inside' | 'wood' | 'metal' | 'sole' | 'glow';
/** How light falls on a part: hanging cloth, a turned vessel, a ball, a flat board, or not at all. */
export type Relief = 'cloth' | 'round' | 'ball' | 'flat' | 'none';

/** A closed outline in the 256 × 256 picture, painted in the order given. */
export interface Part {
  d: string;
  fabric: Fabric;
  relief: Relief;
  /** Degrees by which the print is turned on this part (a sleeve, a strap). */
  turn?: number;
  /** Extra darkness of a part that lies behind, 0…1. */
  behind?: number;
}

/** The drawing of one kind of product, before colour. */
export interface Silhouette {
  parts: Part[];
  /** Folds and creases: a soft shadow line with a light beside it. */
  folds?: string[];
  /** Seams: fine dashed stitches. */
  stitches?: string[];
  /** Lines of a given weight and fabric: laces, handles, wires. */
  lines?: { d: string; fabric: Fabric; width: number; under?: boolean }[];
  /** Where it stands; null for what hangs or lies before a wall. */
  ground: { y: number; halfWidth: number; x?: number } | null;
}

/** Draws one kind with its own proportions; draws the same for the same chance. */
export type Draughtsman = (chance: Chance) => Silhouette;

/** An ellipse as a closed path. */
export function ellipse(x: number, y: number, rx: number, ry: number): string {
  return `M${x - rx},${y} A${rx},${ry} 0 1 1 ${x + rx},${y} A${rx},${ry} 0 1 1 ${x - rx},${y}Z`;
}

/** A rectangle with rounded corners as a closed path. */
export function box(x: number, y: number, width: number, height: number, radius: number): string {
  const r = Math.min(radius, width / 2, height / 2);
  return `M${x + r},${y} H${x + width - r} Q${x + width},${y} ${x + width},${y + r} V${y + height - r} Q${x + width},${y + height} ${x + width - r},${y + height} H${x + r} Q${x},${y + height} ${x},${y + height - r} V${y + r} Q${x},${y} ${x + r},${y}Z`;
}

/** A path written for the right side, and its mirror image on the left. Only absolute M, L, C, Q, Z commands. */
export function bothSides(d: string): [right: string, left: string] {
  return [d, d.replace(/(-?[\d.]+),(-?[\d.]+)/g, (_match, x: string, y: string) => `${256 - Number(x)},${y}`)];
}
