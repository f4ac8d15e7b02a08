import type { Chance } from '../random.js';
import type { Hsl, PatternName } from '../values.js';
import { cssColour, lighten, motifColour, varyColour } from './colour.js';
import { drawPrint } from './pattern.js';
import type { Draughtsman, Fabric, Part, Relief } from './silhouette.js';
import { drawTexture } from './texture.js';

/** Light on each relief, as gradient stops [offset, black or white, opacity]. */
const RELIEFS: Record<Exclude<Relief, 'none'>, { vector: string; stops: readonly (readonly [number, string, number])[] }> = {
  cloth: {
    vector: 'x1="0" y1=".1" x2="1" y2=".3"',
    stops: [
      [0, '#000', 0.26],
      [0.2, '#fff', 0.05],
      [0.36, '#fff', 0.17],
      [0.6, '#000', 0.02],
      [1, '#000', 0.34],
    ],
  },
  round: {
    vector: 'x1="0" y1="0" x2="1" y2="0"',
    stops: [
      [0, '#000', 0.38],
      [0.14, '#000', 0.08],
      [0.3, '#fff', 0.36],
      [0.42, '#fff', 0.06],
      [0.7, '#000', 0.1],
      [1, '#000', 0.46],
    ],
  },
  flat: {
    vector: 'x1="0" y1="0" x2=".7" y2="1"',
    stops: [
      [0, '#fff', 0.16],
      [0.45, '#fff', 0],
      [1, '#000', 0.22],
    ],
  },
  ball: {
    vector: '',
    stops: [
      [0, '#fff', 0.34],
      [0.4, '#fff', 0.03],
      [0.75, '#000', 0.12],
      [1, '#000', 0.4],
    ],
  },
};

function reliefDefs(): string {
  return Object.entries(RELIEFS)
    .map(([name, { vector, stops }]) => {
      const marks = stops
        .map(([offset, colour, opacity]) => `<stop offset="${offset}" stop-color="${colour}" stop-opacity="${opacity}"/>`)
        .join('');
      return name === 'ball'
        ? `<radialGradient id="ball" cx=".38" cy=".32" r=".75">${marks}</radialGradient>`
        : `<linearGradient id="${name}" ${vector}>${marks}</linearGradient>`;
    })
    .join('');
}

/** Studio behind the product: a wall, for standing things a floor, a vignette. */
function drawBackdrop(chance: Chance, hasFloor: boolean): { defs: string; marks: string } {
  const [hue, saturation] = chance.pick([
    [38, 30],
    [28, 22],
    [210, 18],
    [200, 10],
    [160, 12],
    [340, 14],
    [50, 8],
    [260, 10],
  ] as const);
  const light = chance.between(89, 95);
  const wall: Hsl = [hue, saturation, light];
  const stop = (offset: number, colour: Hsl): string => `<stop offset="${offset}" stop-color="${cssColour(colour)}"/>`;
  const horizon = chance.between(168, 190);
  const defs =
    `<radialGradient id="wall" cx="${chance.between(0.35, 0.5).toFixed(2)}" cy=".38" r=".85">${stop(0, lighten(wall, 4))}${stop(0.6, wall)}${stop(1, lighten(wall, -11))}</radialGradient>` +
    `<linearGradient id="floor" x1="0" y1="0" x2="0" y2="1">${stop(0, lighten(wall, -9))}${stop(0.5, lighten(wall, -3))}${stop(1, lighten(wall, -7))}</linearGradient>` +
    '<radialGradient id="shade"><stop offset="0" stop-color="#1a1420" stop-opacity=".42"/><stop offset=".55" stop-color="#1a1420" stop-opacity=".2"/><stop offset="1" stop-color="#1a1420" stop-opacity="0"/></radialGradient>';
  const floor = hasFloor ? `<rect y="${horizon.toFixed(0)}" width="256" height="${(256 - horizon).toFixed(0)}" fill="url(#floor)"/>` : '';
  return { defs, marks: `<rect width="256" height="256" fill="url(#wall)"/>${floor}` };
}

interface Paints {
  fill(fabric: Fabric): string;
  edge(fabric: Fabric): string;
}

function mixPaints(body: Hsl, chance: Chance): Paints {
  const trim = chance.pick<Hsl>([
    [40, 30, 92],
    [30, 14, 84],
    [25, 30, 34],
    [220, 10, 30],
    [36, 38, 66],
    body[2] > 55 ? lighten(body, -26) : lighten(body, 22),
  ]);
  const wood = chance.pick<Hsl>([
    [28, 45, 46],
    [24, 40, 34],
    [34, 48, 60],
  ]);
  const metal = chance.pick<Hsl>([
    [42, 52, 56],
    [215, 6, 68],
    [220, 8, 34],
  ]);
  const sole = chance.pick<Hsl>([
    [40, 20, 93],
    [34, 28, 80],
    [25, 30, 26],
    [220, 6, 24],
  ]);
  const colours: Record<Fabric, Hsl> = {
    body,
    trim,
    wood,
    metal,
    sole,
    inside: [body[0], body[1] * 0.6, Math.max(7, body[2] * 0.42)],
    glow: [44, 90, 91],
  };
  const edgeOf = (colour: Hsl): Hsl => lighten(colour, colour[2] > 30 ? -24 : -10);
  return { fill: (fabric) => cssColour(colours[fabric]), edge: (fabric) => cssColour(edgeOf(colours[fabric])) };
}

export interface Look {
  draughtsman: Draughtsman;
  colour: Hsl;
  pattern: PatternName;
  material: string;
}

/** One product as SVG, 256 × 256. The same look and chance give the same bytes. */
export function paintProduct(look: Look, chance: Chance): string {
  const body = varyColour(look.colour, chance);
  const silhouette = look.draughtsman(chance);
  const paints = mixPaints(body, chance);
  const print = drawPrint({
    pattern: look.pattern,
    body,
    motif: motifColour(body, chance),
    scale: chance.between(0.75, 1.3),
    turns: silhouette.parts.map((part) => part.turn ?? 0),
    chance,
  });
  const texture = drawTexture(look.material, body);
  const backdrop = drawBackdrop(chance, silhouette.ground !== null);

  const paintPart = (part: Part): string => {
    const layers = [
      `<path d="${part.d}" fill="${paints.fill(part.fabric)}" stroke="${paints.edge(part.fabric)}" stroke-opacity=".7" stroke-width="1.1" stroke-linejoin="round"/>`,
    ];
    if (part.fabric === 'body') {
      const printed = print.paint(part.turn ?? 0);
      if (printed !== null) layers.push(`<path d="${part.d}" fill="${printed}"/>`);
      if (texture.paint !== null) layers.push(`<path d="${part.d}" fill="${texture.paint}"/>`);
    }
    if (part.relief !== 'none') layers.push(`<path d="${part.d}" fill="url(#${part.relief})"/>`);
    if (part.fabric === 'body' && texture.gloss > 0 && part.relief !== 'none')
      layers.push(`<path d="${part.d}" fill="url(#gloss)" fill-opacity="${texture.gloss}"/>`);
    if (part.behind !== undefined) layers.push(`<path d="${part.d}" fill="#120c18" fill-opacity="${part.behind}"/>`);
    return layers.join('');
  };
  const lines = (isUnder: boolean): string =>
    (silhouette.lines ?? [])
      .filter((line) => (line.under ?? false) === isUnder)
      .map(
        (line) =>
          `<path d="${line.d}" fill="none" stroke="${paints.edge(line.fabric)}" stroke-width="${line.width + 1.2}" stroke-linecap="round"/><path d="${line.d}" fill="none" stroke="${paints.fill(line.fabric)}" stroke-width="${line.width}" stroke-linecap="round"/>`,
      )
      .join('');
  const folds = (silhouette.folds ?? [])
    .map(
      (d) =>
        `<path d="${d}" stroke="#100a18" stroke-opacity=".11" stroke-width="4.5"/><path d="${d}" stroke="#100a18" stroke-opacity=".17" stroke-width="1.6"/><path d="${d}" stroke="#fff" stroke-opacity=".16" stroke-width="1.6" transform="translate(2.2 .6)"/>`,
    )
    .join('');
  const stitch = body[2] > 50 ? '#2a2230' : '#fff6e6';
  const stitches = (silhouette.stitches ?? [])
    .map((d) => `<path d="${d}" stroke="${stitch}" stroke-opacity=".5" stroke-width="1" stroke-dasharray="3 2"/>`)
    .join('');

  const hull = silhouette.parts.map((part) => part.d).join(' ');
  const shadow = silhouette.ground
    ? `<ellipse cx="${silhouette.ground.x ?? 128}" cy="${silhouette.ground.y}" rx="${silhouette.ground.halfWidth * 1.28}" ry="${Math.max(7, silhouette.ground.halfWidth * 0.15)}" fill="url(#shade)"/>`
    : `<g transform="translate(4 7)" fill="#1a1420" fill-opacity=".07" stroke="#1a1420" stroke-opacity=".045" stroke-linejoin="round">${[3, 8, 14].map((width) => `<path d="${hull}" stroke-width="${width}"/>`).join('')}</g>`;

  const lean = silhouette.ground ? chance.between(-1, 1) : chance.between(-5, 5);
  const size = chance.between(0.88, 1.02);
  const flip = chance.happens(0.5) ? -1 : 1;
  const [dx, dy] = [chance.between(-5, 5), chance.between(-3, 4)];
  const pose = `translate(${(128 + dx).toFixed(1)} ${(128 + dy).toFixed(1)}) rotate(${lean.toFixed(1)}) scale(${(size * flip).toFixed(3)} ${size.toFixed(3)}) translate(-128 -128)`;
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" width="256" height="256"><defs>' +
    `${reliefDefs()}<linearGradient id="gloss" x1="0" y1="0" x2=".8" y2="1"><stop offset=".1" stop-color="#fff" stop-opacity="0"/><stop offset=".22" stop-color="#fff" stop-opacity=".9"/><stop offset=".3" stop-color="#fff" stop-opacity=".1"/><stop offset=".8" stop-color="#fff" stop-opacity="0"/><stop offset=".9" stop-color="#fff" stop-opacity=".35"/></linearGradient>` +
    `${backdrop.defs}${print.defs}${texture.defs}</defs>${backdrop.marks}<g transform="${pose}">${shadow}${lines(true)}` +
    `${silhouette.parts.map(paintPart).join('')}${lines(false)}<g fill="none" stroke-linecap="round">${folds}${stitches}</g></g></svg>`
  );
}
