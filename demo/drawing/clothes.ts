import { type Draughtsman, bothSides, box, ellipse } from './silhouette.js';
import { sleeve } from './tops.js';

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
