import type { Chance } from '../random.js';
import type { Hsl, PatternName } from '../values.js';
import { cssColour, lighten } from './colour.js';

/** One repeat of a print. `size` in px of the 256 px picture; the tile is drawn in its own 0…size square. */
interface Tile {
  width: number;
  height: number;
  marks: string;
}

interface Ink {
  base: string;
  motif: string;
  accent: string;
  leaf: string;
}

type TileMaker = (size: number, ink: Ink, chance: Chance) => Tile;

const square = (size: number, marks: string): Tile => ({ width: size, height: size, marks });

function flower(x: number, y: number, radius: number, ink: Ink): string {
  const petals = Array.from({ length: 5 }, (_, index) => {
    const angle = (index / 5) * 2 * Math.PI - Math.PI / 2;
    const [px, py] = [x + Math.cos(angle) * radius * 0.62, y + Math.sin(angle) * radius * 0.62];
    return `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="${(radius * 0.46).toFixed(1)}"/>`;
  }).join('');
  return `<g fill="${ink.motif}">${petals}</g><circle cx="${x}" cy="${y}" r="${(radius * 0.36).toFixed(1)}" fill="${ink.accent}"/>`;
}

function leaf(x: number, y: number, length: number, angle: number, fill: string): string {
  const half = length / 2;
  return `<path transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${angle})" d="M${-half},0 Q0,${-half * 0.75} ${half},0 Q0,${half * 0.75} ${-half},0Z" fill="${fill}"/>`;
}

function star(x: number, y: number, radius: number, fill: string): string {
  const points = Array.from({ length: 10 }, (_, index) => {
    const angle = (index / 10) * 2 * Math.PI - Math.PI / 2;
    const reach = index % 2 === 0 ? radius : radius * 0.42;
    return `${(x + Math.cos(angle) * reach).toFixed(1)},${(y + Math.sin(angle) * reach).toFixed(1)}`;
  });
  return `<polygon points="${points.join(' ')}" fill="${fill}"/>`;
}

const TILES: Record<Exclude<PatternName, 'plain'>, TileMaker> = {
  striped: (size, ink, chance) =>
    square(size * 0.85, `<rect width="${size}" height="${size * 0.85 * chance.between(0.38, 0.55)}" fill="${ink.motif}"/>`),
  dotted: (size, ink, chance) => {
    const radius = size * chance.between(0.17, 0.23);
    const dot = (x: number, y: number): string => `<circle cx="${x}" cy="${y}" r="${radius}"/>`;
    return square(size, `<g fill="${ink.motif}">${dot(size / 4, size / 4)}${dot((size * 3) / 4, (size * 3) / 4)}</g>`);
  },
  checked: (size, ink) =>
    square(
      size,
      `<g fill="${ink.motif}" fill-opacity=".55"><rect width="${size}" height="${size / 2}"/><rect width="${size / 2}" height="${size}"/></g>`,
    ),
  floral: (size, ink, chance) => {
    const width = size * 1.7;
    return square(
      width,
      leaf(width * 0.47, width * 0.2, width * 0.24, chance.whole(-30, 30), ink.leaf) +
        leaf(width * 0.1, width * 0.6, width * 0.24, chance.whole(40, 110), ink.leaf) +
        leaf(width * 0.93, width * 0.9, width * 0.14, 30, ink.leaf) +
        flower(width * 0.24, width * 0.27, width * 0.2, ink) +
        flower(width * 0.72, width * 0.72, width * 0.24, ink) +
        flower(width * 0.78, width * 0.2, width * 0.1, ink) +
        flower(width * 0.27, width * 0.82, width * 0.1, ink),
    );
  },
  zigzag: (size, ink, chance) => {
    const [w, h, thick] = [size * 1.1, size * 0.95, size * chance.between(0.22, 0.34)];
    const line = (y: number): string =>
      `M${-w * 0.5},${y - h * 0.25} L0,${y + h * 0.25} L${w * 0.5},${y - h * 0.25} L${w},${y + h * 0.25} L${w * 1.5},${y - h * 0.25}`;
    return { width: w, height: h, marks: `<path d="${line(0)} ${line(h)}" fill="none" stroke="${ink.motif}" stroke-width="${thick}"/>` };
  },
  scalloped: (size, ink) => {
    const [w, h, r] = [size * 1.05, size * 1.05, size * 0.525];
    const row = (y: number, shift: number): string =>
      [0, 1, 2]
        .map(
          (index) =>
            `<circle cx="${(index - shift) * w}" cy="${y}" r="${r}"/><circle cx="${(index - shift) * w}" cy="${y}" r="${r * 0.42}" stroke-opacity=".75"/>`,
        )
        .join('');
    // From the lowest row up, so that each scale lies over the row beneath it.
    const rows = [row(h, 0), row(h / 2, 0.5), row(0, 0), row(-h / 2, 0.5)];
    return { width: w, height: h, marks: `<g fill="${ink.base}" stroke="${ink.motif}" stroke-width="${size * 0.12}">${rows.join('')}</g>` };
  },
  herringbone: (size, ink) => {
    const [w, step] = [size * 0.9, size * 0.42];
    const strokes = [-2, -1, 0, 1, 2]
      .map(
        (row) =>
          `M0,${row * step + w / 2} L${w / 2},${row * step} M${w / 2},${row * step + step / 2} L${w},${row * step + step / 2 + w / 2}`,
      )
      .join(' ');
    return { width: w, height: step, marks: `<path d="${strokes}" stroke="${ink.motif}" stroke-width="${step * 0.42}" fill="none"/>` };
  },
  argyle: (size, ink) => {
    const [w, h] = [size * 1.1, size * 1.6];
    return {
      width: w,
      height: h,
      marks:
        `<polygon points="${w / 2},0 ${w},${h / 2} ${w / 2},${h} 0,${h / 2}" fill="${ink.motif}"/>` +
        `<path d="M0,0 L${w},${h} M${w},0 L0,${h}" stroke="${ink.accent}" stroke-width="${size * 0.06}" stroke-dasharray="${size * 0.16} ${size * 0.1}"/>`,
    };
  },
  leafy: (size, ink, chance) => {
    const width = size * 1.4;
    const turn = chance.whole(-20, 20);
    return square(
      width,
      [
        [0.25, 0.25, 40],
        [0.75, 0.2, -50],
        [0.3, 0.72, -35],
        [0.78, 0.75, 50],
      ]
        .map(([x = 0, y = 0, angle = 0], index) =>
          leaf(width * x, width * y, width * 0.44, angle + turn, index % 2 === 0 ? ink.motif : ink.leaf),
        )
        .join(''),
    );
  },
  starry: (size, ink) =>
    square(size * 1.3, star(size * 0.35, size * 0.35, size * 0.32, ink.motif) + star(size * 0.98, size * 0.95, size * 0.22, ink.motif)),
  geometric: (size, ink) => {
    const [w, h] = [size, size * 0.87];
    return {
      width: w,
      height: h * 2,
      marks:
        `<g fill="${ink.motif}"><polygon points="0,${h} ${w / 2},0 ${w},${h}"/><polygon points="${-w / 2},${h * 2} 0,${h} ${w / 2},${h * 2}"/><polygon points="${w / 2},${h * 2} ${w},${h} ${w * 1.5},${h * 2}"/></g>` +
        `<polygon points="${w * 0.3},${h * 0.8} ${w / 2},${h * 0.4} ${w * 0.7},${h * 0.8}" fill="${ink.accent}"/>`,
    };
  },
  wavy: (size, ink, chance) => {
    const [w, h, swing] = [size * 1.6, size * 0.8, size * 0.34];
    const thick = size * chance.between(0.18, 0.28);
    const wave = (y: number): string =>
      `M${-w / 4},${y - swing} C${-w * 0.1},${y - swing} ${w * 0.1},${y + swing} ${w / 4},${y + swing} S${w * 0.6},${y - swing} ${w * 0.75},${y - swing} S${w * 1.1},${y + swing} ${w * 1.25},${y + swing}`;
    return {
      width: w,
      height: h,
      marks: `<path d="${[-h / 2, h / 2, h * 1.5].map(wave).join(' ')}" fill="none" stroke="${ink.motif}" stroke-width="${thick}"/>`,
    };
  },
  honeycomb: (size, ink) => {
    const r = size * 0.55;
    const [w, h] = [r * Math.sqrt(3), r * 3];
    return {
      width: w,
      height: h,
      marks: `<path d="M0,${r * 0.5} L${w / 2},0 L${w},${r * 0.5} M${w / 2},0 V${-r} M0,${r * 0.5} V${r * 1.5} L${w / 2},${r * 2} L${w},${r * 1.5} V${r * 0.5} M${w / 2},${r * 2} V${r * 3}" fill="none" stroke="${ink.motif}" stroke-width="${size * 0.12}"/>`,
    };
  },
  crossed: (size, ink) => {
    const arm = size * 0.22;
    const plus = (x: number, y: number): string => `M${x - arm},${y} H${x + arm} M${x},${y - arm} V${y + arm}`;
    return square(
      size,
      `<path d="${plus(size * 0.27, size * 0.27)} ${plus(size * 0.77, size * 0.77)}" stroke="${ink.motif}" stroke-width="${size * 0.11}"/>`,
    );
  },
  brushed: (size, ink, chance) => {
    const cell = size * 1.1;
    const strokes = Array.from({ length: 9 }, (_, index) => {
      const [x, y] = [((index % 3) + 0.5) * cell, (Math.floor(index / 3) + 0.5) * cell];
      const [half, angle] = [cell * chance.between(0.2, 0.27), chance.between(0, Math.PI)];
      const [ax, ay] = [Math.cos(angle) * half, Math.sin(angle) * half];
      return `M${(x - ax).toFixed(1)},${(y - ay).toFixed(1)} Q${(x + ay * 0.5).toFixed(1)},${(y - ax * 0.5).toFixed(1)} ${(x + ax).toFixed(1)},${(y + ay).toFixed(1)}`;
    });
    return square(
      cell * 3,
      `<path d="${strokes.join(' ')}" stroke="${ink.motif}" stroke-width="${size * 0.2}" stroke-linecap="round" fill="none"/>`,
    );
  },
};

export interface Print {
  /** `<pattern>` definitions, one for each turn asked for. */
  defs: string;
  /** Paint for a part whose cloth lies turned by so many degrees; null when plain. */
  paint(turn: number): string | null;
}

/** The print of one product. `turns`: the angles at which its parts (sleeves, straps) carry the cloth. */
export function drawPrint(options: {
  pattern: PatternName;
  body: Hsl;
  motif: Hsl;
  scale: number;
  turns: readonly number[];
  chance: Chance;
}): Print {
  const { pattern, body, motif, chance } = options;
  if (pattern === 'plain') return { defs: '', paint: () => null };
  const isMotifLight = motif[2] > body[2];
  const ink: Ink = {
    base: cssColour(body),
    motif: cssColour(motif),
    accent: cssColour(isMotifLight ? [38, 75, 56] : lighten(body, -22)),
    leaf: cssColour(isMotifLight ? [body[0] + 14, body[1] * 0.7, Math.min(80, body[2] + 26)] : [130, 28, 42]),
  };
  const tile = TILES[pattern](22 * options.scale, ink, chance);
  const [dx, dy, lean] = [chance.between(0, tile.width), chance.between(0, tile.height), chance.between(-4, 4)];
  const turns = [...new Set(options.turns)];
  const defs = turns
    .map(
      (turn) =>
        `<pattern id="print${turn}" width="${tile.width.toFixed(2)}" height="${tile.height.toFixed(2)}" patternUnits="userSpaceOnUse" patternTransform="rotate(${(turn + lean).toFixed(1)} 128 128) translate(${dx.toFixed(1)} ${dy.toFixed(1)})">${tile.marks}</pattern>`,
    )
    .join('');
  return { defs, paint: (turn) => `url(#print${turn})` };
}
