import { type Draughtsman, bothSides, box, ellipse } from './silhouette.js';

/** Outline of a top: neck, shoulders, waist, hem; half-widths in px about x = 128. */
function torso(o: { top: number; bottom: number; neck: number; neckDepth: number; shoulder: number; waist: number; hem: number }): string {
  const { top, bottom, neck, neckDepth, shoulder, waist, hem } = o;
  const mid = (top + bottom) / 2;
  return (
    `M${128 - neck},${top} Q128,${top + neckDepth * 2} ${128 + neck},${top} L${128 + shoulder},${top + 12} ` +
    `C${128 + waist + 3},${top + 40} ${128 + waist},${mid} ${128 + hem},${bottom} Q128,${bottom + 9} ${128 - hem},${bottom} ` +
    `C${128 - waist},${mid} ${128 - waist - 3},${top + 40} ${128 - shoulder},${top + 12}Z`
  );
}

/** A sleeve on the right-hand side of the picture: from the shoulder, `reach` px out and `drop` px down. */
export function sleeve(o: { top: number; shoulder: number; waist: number; reach: number; drop: number; cuff: number }): string {
  const { top, shoulder, waist, reach, drop, cuff } = o;
  const [ex, ey] = [128 + shoulder + reach, top + 12 + drop];
  const length = Math.hypot(reach, drop);
  const [nx, ny] = [(-drop / length) * cuff, (reach / length) * cuff];
  return (
    `M${128 + shoulder - 5},${top + 10} Q${128 + shoulder + reach * 0.55 + 6},${top + 12 + drop * 0.3} ${ex},${ey} ` +
    `L${ex + nx},${ey + ny} Q${128 + waist + reach * 0.25},${top + 48 + drop * 0.35} ${128 + waist - 4},${top + 50}Z`
  );
}

const slant = (reach: number, drop: number): number => Math.round(90 - (Math.atan2(drop, reach) * 180) / Math.PI);

export const drawTShirt: Draughtsman = (chance) => {
  const top = 52;
  const shape = {
    top,
    bottom: chance.between(196, 208),
    neck: chance.between(19, 24),
    neckDepth: chance.between(10, 20),
    shoulder: chance.between(50, 56),
    waist: chance.between(43, 50),
    hem: chance.between(44, 52),
  };
  const arm = { top, shoulder: shape.shoulder, waist: shape.waist, reach: chance.between(24, 34), drop: chance.between(32, 48), cuff: 30 };
  const turn = slant(arm.reach, arm.drop);
  const [right, left] = bothSides(sleeve(arm));
  return {
    parts: [
      { d: ellipse(128, top + 2, shape.neck, 6), fabric: 'inside', relief: 'none' },
      { d: right, fabric: 'body', relief: 'cloth', turn: -turn, behind: 0.1 },
      { d: left, fabric: 'body', relief: 'cloth', turn, behind: 0.1 },
      { d: torso(shape), fabric: 'body', relief: 'cloth' },
    ],
    lines: [
      {
        d: `M${128 - shape.neck},${top} Q128,${top + shape.neckDepth * 2} ${128 + shape.neck},${top}`,
        fabric: chance.happens(0.4) ? 'trim' : 'body',
        width: 4,
      },
    ],
    folds: [
      'M98,120 Q108,150 101,188',
      'M156,112 Q147,150 154,192',
      'M120,150 Q126,172 122,196',
      `M${128 - shape.waist + 6},98 Q104,104 112,112`,
      `M${128 + shape.waist - 6},98 Q152,104 144,112`,
    ],
    stitches: [`M${128 - shape.hem + 2},${shape.bottom - 5} Q128,${shape.bottom + 4} ${128 + shape.hem - 2},${shape.bottom - 5}`],
    ground: null,
  };
};

export const drawShirt: Draughtsman = (chance) => {
  const top = 50;
  const isLong = chance.happens(0.65);
  const shape = {
    top,
    bottom: chance.between(202, 214),
    neck: 17,
    neckDepth: 8,
    shoulder: chance.between(50, 55),
    waist: chance.between(44, 49),
    hem: chance.between(45, 51),
  };
  const arm = {
    top,
    shoulder: shape.shoulder,
    waist: shape.waist,
    reach: isLong ? chance.between(26, 36) : 28,
    drop: isLong ? chance.between(112, 128) : 42,
    cuff: isLong ? 19 : 28,
  };
  const turn = slant(arm.reach, arm.drop);
  const [right, left] = bothSides(sleeve(arm));
  const [collarRight, collarLeft] = bothSides(`M128,${top + 18} L${128 + 17},${top - 5} L${128 + 30},${top + 6} L${128 + 20},${top + 27}Z`);
  const buttons = [0, 1, 2, 3, 4].map((index) => ({
    d: ellipse(128, top + 38 + index * 26, 2.6, 2.6),
    fabric: 'trim' as const,
    relief: 'none' as const,
  }));
  return {
    parts: [
      { d: ellipse(128, top, 18, 8), fabric: 'inside', relief: 'none' },
      { d: right, fabric: 'body', relief: 'cloth', turn: -turn, behind: 0.12 },
      { d: left, fabric: 'body', relief: 'cloth', turn, behind: 0.12 },
      { d: torso(shape), fabric: 'body', relief: 'cloth' },
      { d: box(122, top + 18, 12, shape.bottom - top - 15, 2), fabric: 'body', relief: 'flat' },
      { d: collarRight, fabric: 'body', relief: 'flat', turn: 40 },
      { d: collarLeft, fabric: 'body', relief: 'flat', turn: -40 },
      ...(chance.happens(0.6) ? [{ d: box(146, top + 50, 24, 27, 4), fabric: 'body' as const, relief: 'flat' as const }] : []),
      ...buttons,
    ],
    folds: [
      'M100,124 Q109,152 103,192',
      'M157,132 Q150,160 156,194',
      `M${128 - shape.waist + 5},98 Q102,104 110,112`,
      `M${128 + shape.waist - 5},98 Q154,104 146,110`,
    ],
    stitches: [`M${128 - shape.hem + 2},${shape.bottom - 4} Q128,${shape.bottom + 5} ${128 + shape.hem - 2},${shape.bottom - 4}`],
    ground: null,
  };
};

export const drawSweater: Draughtsman = (chance) => {
  const top = 54;
  const isRollNeck = chance.happens(0.4);
  const shape = {
    top,
    bottom: chance.between(194, 204),
    neck: isRollNeck ? 19 : 22,
    neckDepth: isRollNeck ? 5 : 9,
    shoulder: chance.between(52, 58),
    waist: chance.between(49, 55),
    hem: chance.between(46, 50),
  };
  const arm = {
    top,
    shoulder: shape.shoulder,
    waist: shape.waist,
    reach: chance.between(24, 36),
    drop: chance.between(112, 126),
    cuff: 22,
  };
  const turn = slant(arm.reach, arm.drop);
  const [right, left] = bothSides(sleeve(arm));
  const ribs = Array.from(
    { length: 19 },
    (_, index) => `M${128 - shape.hem + 4 + index * ((shape.hem * 2 - 8) / 18)},${shape.bottom - 7} v13`,
  ).join(' ');
  return {
    parts: [
      ...(isRollNeck ? [] : [{ d: ellipse(128, top + 1, shape.neck, 7), fabric: 'inside' as const, relief: 'none' as const }]),
      { d: right, fabric: 'body', relief: 'cloth', turn: -turn, behind: 0.12 },
      { d: left, fabric: 'body', relief: 'cloth', turn, behind: 0.12 },
      { d: torso(shape), fabric: 'body', relief: 'cloth' },
      {
        d: `M${128 - shape.hem},${shape.bottom - 8} Q128,${shape.bottom + 1} ${128 + shape.hem},${shape.bottom - 8} L${128 + shape.hem - 2},${shape.bottom + 5} Q128,${shape.bottom + 14} ${128 - shape.hem + 2},${shape.bottom + 5}Z`,
        fabric: 'body',
        relief: 'cloth',
        behind: 0.08,
      },
      ...(isRollNeck
        ? [
            {
              d: `M107,${top + 6} Q106,${top - 18} 111,${top - 22} Q128,${top - 16} 145,${top - 22} Q150,${top - 18} 149,${top + 6} Q128,${top + 16} 107,${top + 6}Z`,
              fabric: 'body' as const,
              relief: 'round' as const,
            },
          ]
        : []),
    ],
    lines: isRollNeck
      ? []
      : [{ d: `M${128 - shape.neck},${top} Q128,${top + shape.neckDepth * 2} ${128 + shape.neck},${top}`, fabric: 'body', width: 7 }],
    folds: [
      'M97,124 Q108,152 102,184',
      'M158,118 Q148,150 155,184',
      `M${128 - shape.waist + 6},102 Q102,108 112,118`,
      `M${128 + shape.waist - 6},102 Q154,108 146,116`,
      ribs,
    ],
    ground: null,
  };
};

export const drawJacket: Draughtsman = (chance) => {
  const top = 50;
  const shape = {
    top,
    bottom: chance.between(192, 214),
    neck: 18,
    neckDepth: 8,
    shoulder: chance.between(52, 58),
    waist: chance.between(47, 53),
    hem: chance.between(48, 55),
  };
  const arm = {
    top,
    shoulder: shape.shoulder,
    waist: shape.waist,
    reach: chance.between(22, 34),
    drop: chance.between(116, 128),
    cuff: 22,
  };
  const turn = slant(arm.reach, arm.drop);
  const [right, left] = bothSides(sleeve(arm));
  const lapel = chance.happens(0.55);
  const [lapelRight, lapelLeft] = bothSides(
    lapel
      ? `M128,${top + 68} L147,${top - 2} L161,${top + 14} L153,${top + 26} L158,${top + 32}Z`
      : `M128,${top + 14} L143,${top - 14} L158,${top + 4} L146,${top + 26}Z`,
  );
  const [pocketRight, pocketLeft] = bothSides(
    `M${128 + 13},${shape.bottom - 48} L${128 + 39},${shape.bottom - 52} L${128 + 40},${shape.bottom - 41} L${128 + 13},${shape.bottom - 37}Z`,
  );
  return {
    parts: [
      { d: ellipse(128, top + 2, 19, 9), fabric: 'inside', relief: 'none' },
      { d: right, fabric: 'body', relief: 'cloth', turn: -turn, behind: 0.15 },
      { d: left, fabric: 'body', relief: 'cloth', turn, behind: 0.15 },
      { d: torso(shape), fabric: 'body', relief: 'cloth' },
      ...(lapel
        ? [{ d: `M128,${top + 68} L110,${top} Q128,${top + 14} 146,${top}Z`, fabric: 'trim' as const, relief: 'cloth' as const }]
        : []),
      { d: lapelRight, fabric: 'body', relief: 'flat', turn: 24 },
      { d: lapelLeft, fabric: 'body', relief: 'flat', turn: -24 },
      { d: pocketRight, fabric: 'body', relief: 'flat', turn: -8 },
      { d: pocketLeft, fabric: 'body', relief: 'flat', turn: 8 },
      ...(lapel
        ? [0, 1, 2].map((index) => ({
            d: ellipse(132, top + 76 + index * 22, 3.4, 3.4),
            fabric: 'metal' as const,
            relief: 'ball' as const,
          }))
        : []),
    ],
    lines: [
      {
        d: lapel ? `M128,${top + 68} L128,${shape.bottom + 4}` : `M128,${top + 16} L128,${shape.bottom + 4}`,
        fabric: lapel ? 'inside' : 'metal',
        width: lapel ? 1.4 : 3,
      },
    ],
    folds: [
      'M99,128 Q107,152 102,180',
      'M159,126 Q151,150 156,178',
      `M${128 - shape.waist + 5},100 Q102,106 112,114`,
      `M${128 + shape.waist - 5},100 Q154,106 146,114`,
    ],
    stitches: [`M${128 - shape.hem + 3},${shape.bottom - 5} Q128,${shape.bottom + 4} ${128 + shape.hem - 3},${shape.bottom - 5}`],
    ground: null,
  };
};
