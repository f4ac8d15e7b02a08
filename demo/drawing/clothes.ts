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
function sleeve(o: { top: number; shoulder: number; waist: number; reach: number; drop: number; cuff: number }): string {
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

export const drawDress: Draughtsman = (chance) => {
  const top = 40;
  const waistY = chance.between(108, 120);
  const [shoulder, waist, hem, bottom] = [chance.between(30, 36), chance.between(24, 29), chance.between(54, 74), chance.between(210, 226)];
  const hasSleeves = chance.happens(0.5);
  const [right, left] = bothSides(sleeve({ top, shoulder, waist: waist + 4, reach: 22, drop: chance.between(22, 46), cuff: 22 }));
  const wave = hem / 3;
  const bodice = `M${128 - 19},${top} Q128,${top + chance.between(26, 44)} ${128 + 19},${top} L${128 + shoulder},${top + 8} C${128 + waist + 8},${top + 30} ${128 + waist + 7},${top + 44} ${128 + waist},${waistY} L${128 - waist},${waistY} C${128 - waist - 7},${top + 44} ${128 - waist - 8},${top + 30} ${128 - shoulder},${top + 8}Z`;
  const skirt = `M${128 - waist},${waistY} Q128,${waistY + 6} ${128 + waist},${waistY} C${128 + waist + 10},${waistY + 34} ${128 + hem - 6},${bottom - 40} ${128 + hem},${bottom - 4} Q${128 + hem - wave / 2},${bottom + 8} ${128 + hem - wave},${bottom} T${128 + hem - wave * 3},${bottom + 2} T${128 - hem + wave},${bottom} T${128 - hem},${bottom - 4} C${128 - hem + 6},${bottom - 40} ${128 - waist - 10},${waistY + 34} ${128 - waist},${waistY}Z`;
  return {
    parts: [
      { d: ellipse(128, top + 2, 19, 5), fabric: 'inside', relief: 'none' },
      ...(hasSleeves
        ? [
            { d: right, fabric: 'body' as const, relief: 'cloth' as const, turn: -30, behind: 0.1 },
            { d: left, fabric: 'body' as const, relief: 'cloth' as const, turn: 30, behind: 0.1 },
          ]
        : []),
      { d: skirt, fabric: 'body', relief: 'cloth' },
      { d: bodice, fabric: 'body', relief: 'cloth' },
      { d: box(128 - waist - 1, waistY - 5, waist * 2 + 2, 10, 3), fabric: chance.happens(0.5) ? 'trim' : 'body', relief: 'round' },
    ],
    folds: [-0.62, -0.3, 0.02, 0.36, 0.68].map(
      (at) =>
        `M${128 + at * waist * 1.3},${waistY + 8} Q${128 + at * (waist + hem) * 0.5},${(waistY + bottom) / 2} ${128 + at * hem},${bottom - 6}`,
    ),
    ground: null,
  };
};

export const drawSkirt: Draughtsman = (chance) => {
  const [top, bottom] = [chance.between(62, 72), chance.between(188, 206)];
  const [waist, hem] = [chance.between(32, 38), chance.between(62, 82)];
  const wave = (hem * 2) / 6;
  const d = `M${128 - waist},${top} Q128,${top + 9} ${128 + waist},${top} C${128 + waist + 12},${top + 36} ${128 + hem - 6},${bottom - 44} ${128 + hem},${bottom - 6} Q${128 + hem - wave / 2},${bottom + 9} ${128 + hem - wave},${bottom} T${128 + hem - wave * 2},${bottom + 3} T${128},${bottom + 3} T${128 - hem + wave * 2},${bottom + 3} T${128 - hem + wave},${bottom} T${128 - hem},${bottom - 6} C${128 - hem + 6},${bottom - 44} ${128 - waist - 12},${top + 36} ${128 - waist},${top}Z`;
  return {
    parts: [
      { d: ellipse(128, top, waist, 6), fabric: 'inside', relief: 'none' },
      { d, fabric: 'body', relief: 'cloth' },
      {
        d: `M${128 - waist},${top - 3} Q128,${top + 6} ${128 + waist},${top - 3} L${128 + waist + 3},${top + 11} Q128,${top + 21} ${128 - waist - 3},${top + 11}Z`,
        fabric: chance.happens(0.35) ? 'trim' : 'body',
        relief: 'round',
        behind: 0.05,
      },
    ],
    folds: [-0.75, -0.45, -0.15, 0.15, 0.45, 0.75].map(
      (at) => `M${128 + at * waist},${top + 20} Q${128 + at * (waist + hem) * 0.52},${(top + bottom) / 2} ${128 + at * hem},${bottom - 8}`,
    ),
    ground: null,
  };
};

export const drawTrousers: Draughtsman = (chance) => {
  const [waist, hip, hem] = [chance.between(32, 36), chance.between(39, 44), chance.between(17, 26)];
  const leg = `M128,34 Q148,38 ${128 + waist},34 C${128 + hip},70 ${128 + hip + 2},92 ${128 + hip},120 L${128 + hip - 2 + (hem - 20)},222 Q${128 + 28},228 ${128 + hip - 2 - hem - 4},222 L132,104 L128,98Z`;
  const [right, left] = bothSides(leg);
  return {
    parts: [
      { d: ellipse(128, 35, waist, 5), fabric: 'inside', relief: 'none' },
      { d: left, fabric: 'body', relief: 'cloth', turn: 3 },
      { d: right, fabric: 'body', relief: 'cloth', turn: -3 },
      {
        d: `M${128 - waist},32 Q128,40 ${128 + waist},32 L${128 + waist + 2},45 Q128,53 ${128 - waist - 2},45Z`,
        fabric: 'body',
        relief: 'round',
        behind: 0.08,
      },
      { d: ellipse(128, 44, 3, 3), fabric: 'metal', relief: 'ball' },
    ],
    folds: [
      'M128,50 L129,98',
      'M126,98 Q112,106 100,102',
      'M130,98 Q146,106 156,102',
      'M107,130 Q104,170 106,214',
      'M149,130 Q152,170 150,214',
    ],
    stitches: [
      `M${128 - waist - 1},62 Q${128 - waist + 16},64 ${128 - waist + 14},48`,
      `M${128 + waist + 1},62 Q${128 + waist - 16},64 ${128 + waist - 14},48`,
    ],
    ground: null,
  };
};

export const drawSocks: Draughtsman = (chance) => {
  const height = chance.between(44, 66);
  const sock = (x: number, y: number): { leg: string; cuff: string; heel: string; toe: string } => ({
    leg: `M${x - 21},${y} L${x + 21},${y} L${x + 20},${y + 104} Q${x + 21},${y + 122} ${x + 40},${y + 136} Q${x + 62},${y + 150} ${x + 50},${y + 166} Q${x + 36},${y + 178} ${x + 10},${y + 162} L${x - 12},${y + 146} Q${x - 24},${y + 136} ${x - 21},${y + 112}Z`,
    cuff: box(x - 23, y - 4, 46, 20, 5),
    heel: `M${x - 21},${y + 108} Q${x - 4},${y + 112} ${x - 2},${y + 130} L${x - 10},${y + 148} Q${x - 26},${y + 136} ${x - 21},${y + 108}Z`,
    toe: `M${x + 34},${y + 132} Q${x + 66},${y + 152} ${x + 50},${y + 167} Q${x + 40},${y + 175} ${x + 26},${y + 170} Q${x + 22},${y + 150} ${x + 34},${y + 132}Z`,
  });
  const [back, front] = [sock(144, 100 - height), sock(92, 112 - height)];
  const accent = chance.happens(0.6) ? 'trim' : 'body';
  return {
    parts: [back, front].flatMap((one, index) => [
      { d: one.leg, fabric: 'body' as const, relief: 'cloth' as const, behind: index === 0 ? 0.14 : 0 },
      { d: one.heel, fabric: accent, relief: 'flat' as const, behind: index === 0 ? 0.14 : 0 },
      { d: one.toe, fabric: accent, relief: 'flat' as const, behind: index === 0 ? 0.14 : 0 },
      { d: one.cuff, fabric: accent, relief: 'round' as const, behind: index === 0 ? 0.14 : 0 },
    ]),
    folds: [`M78,${190 - height} Q90,${200 - height} 108,${196 - height}`],
    ground: null,
  };
};

export const drawScarf: Draughtsman = (chance) => {
  const [left, right] = [chance.between(186, 206), chance.between(206, 224)];
  const fringe = (x: number, y: number, width: number): string =>
    Array.from({ length: 9 }, (_, index) => `M${x + 3 + (index * (width - 6)) / 8},${y - 2} l${index % 2 === 0 ? -1 : 1},13`).join(' ');
  return {
    parts: [
      { d: `M92,112 L134,104 L126,${left} L84,${left - 4}Z`, fabric: 'body', relief: 'cloth', turn: 4, behind: 0.1 },
      { d: `M124,104 L168,112 L174,${right - 8} L130,${right - 2}Z`, fabric: 'body', relief: 'cloth', turn: -4 },
      { d: 'M62,82 C60,44 196,44 194,82 C194,60 62,60 62,82Z', fabric: 'inside', relief: 'none' },
      {
        d: 'M60,80 C58,112 100,130 128,130 C156,130 198,112 196,80 C190,54 176,56 170,64 C176,84 150,94 128,94 C106,94 80,84 86,64 C80,56 66,54 60,80Z',
        fabric: 'body',
        relief: 'cloth',
        turn: 90,
      },
      { d: 'M84,66 C90,46 166,46 172,66 C160,80 96,80 84,66Z', fabric: 'body', relief: 'cloth', turn: 84, behind: 0.3 },
    ],
    lines: [
      { d: fringe(84, left - 2, 42), fabric: 'body', width: 2, under: true },
      { d: fringe(130, right - 4, 44), fabric: 'body', width: 2, under: true },
    ],
    folds: [
      'M72,92 C82,112 110,118 128,118',
      'M186,92 C176,112 150,116 132,117',
      'M150,132 Q156,170 152,206',
      `M108,132 Q104,160 106,${left - 8}`,
    ],
    ground: null,
  };
};

export const drawHat: Draughtsman = (chance) => {
  if (chance.happens(0.5)) {
    const crown = 'M76,150 C74,84 100,56 128,56 C156,56 182,84 180,150Z';
    return {
      parts: [
        ...(chance.happens(0.7) ? [{ d: ellipse(128, 50, 19, 18), fabric: 'trim' as const, relief: 'ball' as const }] : []),
        { d: crown, fabric: 'body', relief: 'round' },
        { d: box(68, 142, 120, 36, 12), fabric: 'body', relief: 'round', behind: 0.06 },
      ],
      folds: Array.from({ length: 11 }, (_, index) => `M${78 + index * 10},146 v28`),
      ground: null,
    };
  }
  return {
    parts: [
      { d: `M30,158 C30,134 226,134 226,158 C226,186 30,186 30,158Z`, fabric: 'body', relief: 'flat', turn: 90 },
      {
        d: `M78,150 C76,${chance.whole(74, 92)} 92,${chance.whole(66, 76)} 128,78 C164,${chance.whole(66, 76)} 180,${chance.whole(74, 92)} 178,150 C160,164 96,164 78,150Z`,
        fabric: 'body',
        relief: 'round',
      },
      { d: 'M77,132 C100,146 156,146 179,132 L178,151 C160,165 96,165 78,151Z', fabric: 'trim', relief: 'round' },
    ],
    folds: ['M112,84 Q128,98 144,84', 'M40,166 Q128,186 216,166'],
    ground: { y: 178, halfWidth: 100 },
  };
};
