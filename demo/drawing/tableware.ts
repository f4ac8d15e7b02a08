import { type Draughtsman, box, ellipse } from './silhouette.js';

export const drawMug: Draughtsman = (chance) => {
  const [half, top, bottom] = [chance.between(50, 58), chance.between(66, 82), chance.between(184, 198)];
  const taper = chance.between(-4, 12);
  const centre = 116;
  const handle = chance.between(34, 44);
  const [right, low, high] = [centre + half - 4, bottom - 32, top + 24];
  return {
    parts: [
      {
        d: `M${right},${high} C${right + handle + 12},${high - 6} ${right + handle + 10},${low + 4} ${right - taper * 0.6},${low} L${right - taper * 0.6},${low - 13} C${right + handle - 6},${low - 8} ${right + handle - 4},${high + 10} ${right},${high + 13}Z`,
        fabric: 'body',
        relief: 'flat',
        turn: 90,
        behind: 0.08,
      },
      {
        d: `M${centre - half},${top} L${centre - half + taper},${bottom - 10} Q${centre - half + taper + 2},${bottom} ${centre - half + taper + 14},${bottom + 2} Q${centre},${bottom + 7} ${centre + half - taper - 14},${bottom + 2} Q${centre + half - taper - 2},${bottom} ${centre + half - taper},${bottom - 10} L${centre + half},${top} Q${centre},${top + 22} ${centre - half},${top}Z`,
        fabric: 'body',
        relief: 'round',
      },
      { d: ellipse(centre, top, half, 11), fabric: 'trim', relief: 'none' },
      { d: ellipse(centre, top + 1, half - 4, 8.5), fabric: 'inside', relief: 'none' },
    ],
    ground: { y: bottom + 3, halfWidth: half + 12, x: 124 },
  };
};

export const drawTeapot: Draughtsman = (chance) => {
  const squash = chance.between(0, 10);
  return {
    parts: [
      { d: `M178,136 C206,134 206,96 232,88 L238,98 C220,106 220,160 172,172Z`, fabric: 'body', relief: 'flat' },
      { d: `M66,112 C18,96 14,180 74,176 L72,164 C36,166 36,116 66,126Z`, fabric: 'body', relief: 'flat', turn: 90 },
      {
        d: `M60,146 C60,${98 + squash} 92,86 122,86 C152,86 186,${98 + squash} 186,146 C186,184 160,202 123,202 C86,202 60,184 60,146Z`,
        fabric: 'body',
        relief: 'ball',
      },
      { d: `M88,96 C96,74 150,74 158,96 Q123,108 88,96Z`, fabric: chance.happens(0.5) ? 'trim' : 'body', relief: 'round' },
      { d: ellipse(123, 72, 9, 8), fabric: 'trim', relief: 'ball' },
    ],
    folds: ['M86,99 Q123,112 160,99'],
    ground: { y: 201, halfWidth: 62, x: 123 },
  };
};

export const drawVase: Draughtsman = (chance) => {
  const [lip, neck, belly, foot] = [chance.between(22, 34), chance.between(14, 24), chance.between(46, 64), chance.between(26, 38)];
  const [top, shoulder, bottom] = [chance.between(44, 60), chance.between(88, 104), 212];
  const side = (s: 1 | -1): string =>
    `C${128 + s * neck},${top + 10} ${128 + s * neck},${shoulder - 18} ${128 + s * (neck + 2)},${shoulder - 10}`;
  return {
    parts: [
      {
        d: `M${128 - lip},${top} ${side(-1)} C${128 - belly - 8},${shoulder + 10} ${128 - belly - 4},${bottom - 40} ${128 - foot},${bottom} Q128,${bottom + 7} ${128 + foot},${bottom} C${128 + belly + 4},${bottom - 40} ${128 + belly + 8},${shoulder + 10} ${128 + neck + 2},${shoulder - 10} C${128 + neck},${shoulder - 18} ${128 + neck},${top + 10} ${128 + lip},${top} Q128,${top + 9} ${128 - lip},${top}Z`,
        fabric: 'body',
        relief: 'round',
      },
      { d: ellipse(128, top, lip, 5.5), fabric: 'inside', relief: 'none' },
    ],
    ground: { y: bottom + 2, halfWidth: foot + 16 },
  };
};

export const drawBowl: Draughtsman = (chance) => {
  const [half, top, bottom] = [chance.between(80, 92), chance.between(98, 112), chance.between(186, 196)];
  return {
    parts: [
      { d: box(128 - 30, bottom - 8, 60, 14, 4), fabric: 'body', relief: 'round', behind: 0.25 },
      {
        d: `M${128 - half},${top} C${128 - half + 4},${bottom - 22} ${128 - 46},${bottom} 128,${bottom} C${128 + 46},${bottom} ${128 + half - 4},${bottom - 22} ${128 + half},${top} Q128,${top + 40} ${128 - half},${top}Z`,
        fabric: 'body',
        relief: 'round',
      },
      { d: ellipse(128, top, half, 21), fabric: 'trim', relief: 'none' },
      { d: ellipse(128, top + 2, half - 5, 17), fabric: chance.happens(0.5) ? 'body' : 'trim', relief: 'flat', behind: 0.22 },
    ],
    ground: { y: bottom + 5, halfWidth: 64 },
  };
};

export const drawPlate: Draughtsman = (chance) => {
  const radius = chance.between(86, 94);
  const well = radius * chance.between(0.5, 0.66);
  return {
    parts: [
      { d: ellipse(128, 130, radius, radius), fabric: 'body', relief: 'flat' },
      { d: ellipse(128, 130, radius - 4, radius - 4), fabric: 'body', relief: 'none' },
      { d: ellipse(128, 130, well, well), fabric: chance.happens(0.15) ? 'trim' : 'body', relief: 'ball' },
    ],
    lines: [{ d: ellipse(128, 130, radius - 2, radius - 2), fabric: chance.happens(0.5) ? 'trim' : 'body', width: 3.5 }],
    ground: null,
  };
};
