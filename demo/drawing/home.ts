import { type Draughtsman, bothSides, box, ellipse } from './silhouette.js';

export const drawLamp: Draughtsman = (chance) => {
  const [topHalf, bottomHalf] = [chance.between(34, 52), chance.between(60, 76)];
  const [top, bottom] = [chance.between(44, 52), chance.between(122, 134)];
  const isTurned = chance.happens(0.5);
  const foot = isTurned
    ? [
        {
          d: `M120,${bottom} L136,${bottom} C134,${bottom + 14} 162,${bottom + 26} 158,${bottom + 52} C154,${bottom + 72} 102,${bottom + 72} 98,${bottom + 52} C94,${bottom + 26} 122,${bottom + 14} 120,${bottom}Z`,
          fabric: chance.happens(0.4) ? ('trim' as const) : ('wood' as const),
          relief: 'round' as const,
        },
        { d: box(106, bottom + 64, 44, 9, 4), fabric: 'wood' as const, relief: 'round' as const },
      ]
    : [
        { d: box(124, bottom - 2, 8, 74, 3), fabric: 'metal' as const, relief: 'round' as const },
        {
          d: `M92,${bottom + 72} C96,${bottom + 60} 160,${bottom + 60} 164,${bottom + 72}Z`,
          fabric: 'metal' as const,
          relief: 'round' as const,
        },
      ];
  return {
    parts: [
      ...foot,
      { d: ellipse(128, bottom, bottomHalf, 7), fabric: 'inside', relief: 'none' },
      {
        d: `M${128 - topHalf},${top} Q128,${top + 6} ${128 + topHalf},${top} L${128 + bottomHalf},${bottom} Q128,${bottom + 11} ${128 - bottomHalf},${bottom}Z`,
        fabric: 'body',
        relief: 'round',
      },
      { d: ellipse(128, top, topHalf, 5), fabric: 'glow', relief: 'none' },
    ],
    ground: { y: bottom + 73, halfWidth: 46 },
  };
};

export const drawRug: Draughtsman = (chance) => {
  if (chance.happens(0.3)) {
    const radius = chance.between(84, 92);
    return {
      parts: [
        { d: ellipse(128, 134, radius, radius * 0.86), fabric: 'trim', relief: 'flat' },
        { d: ellipse(128, 134, radius - 8, radius * 0.86 - 7), fabric: 'body', relief: 'flat' },
      ],
      stitches: [ellipse(128, 134, radius - 4, radius * 0.86 - 3.5)],
      ground: null,
    };
  }
  const [far, near, top, bottom] = [chance.between(66, 78), chance.between(90, 100), chance.between(58, 70), chance.between(190, 204)];
  const fringe = (half: number, y: number, length: number): string =>
    Array.from({ length: 27 }, (_, index) => `M${128 - half + 2 + (index * (half * 2 - 4)) / 26},${y} v${length}`).join(' ');
  const inner = (inset: number): string =>
    `M${128 - far + inset},${top + inset * 0.8} L${128 + far - inset},${top + inset * 0.8} L${128 + near - inset * 1.2},${bottom - inset} L${128 - near + inset * 1.2},${bottom - inset}Z`;
  return {
    parts: [
      { d: inner(0), fabric: chance.happens(0.5) ? 'trim' : 'body', relief: 'flat' },
      { d: inner(9), fabric: 'body', relief: 'flat' },
    ],
    lines: [
      { d: fringe(far, top, -8), fabric: 'trim', width: 2, under: true },
      { d: fringe(near, bottom, 11), fabric: 'trim', width: 2.4, under: true },
    ],
    folds: [`M${128 - near + 12},${bottom - 30} Q128,${bottom - 22} ${128 + near - 14},${bottom - 34}`],
    ground: null,
  };
};

export const drawCushion: Draughtsman = (chance) => {
  const [half, tall, puff] = [chance.between(76, 86), chance.between(64, 82), chance.between(8, 16)];
  const [l, r, t, b] = [128 - half, 128 + half, 132 - tall, 132 + tall];
  const isTasselled = chance.happens(0.4);
  const tassels = [
    [l, t],
    [r, t],
    [r, b],
    [l, b],
  ].map(([x = 0, y = 0]) => ({ d: ellipse(x, y, 7, 7), fabric: 'trim' as const, relief: 'ball' as const }));
  return {
    parts: [
      {
        d: `M${l},${t} Q128,${t + puff} ${r},${t} Q${r - puff},132 ${r},${b} Q128,${b - puff} ${l},${b} Q${l + puff},132 ${l},${t}Z`,
        fabric: 'body',
        relief: 'ball',
      },
      ...(isTasselled ? tassels : []),
    ],
    folds: [
      `M${l + 10},${t + 12} Q${l + 30},${t + 26} ${l + 34},${t + 44}`,
      `M${r - 10},${b - 12} Q${r - 28},${b - 26} ${r - 36},${b - 42}`,
      `M${r - 12},${t + 12} Q${r - 26},${t + 22} ${r - 32},${t + 38}`,
      `M${l + 12},${b - 12} Q${l + 28},${b - 22} ${l + 34},${b - 40}`,
    ],
    stitches: [
      `M${l + 6},${t + 6} Q128,${t + puff + 6} ${r - 6},${t + 6} Q${r - puff - 6},132 ${r - 6},${b - 6} Q128,${b - puff - 6} ${l + 6},${b - 6} Q${l + puff + 6},132 ${l + 6},${t + 6}`,
    ],
    ground: { y: b - 1, halfWidth: half - 8 },
  };
};

export const drawBlanket: Draughtsman = (chance) => {
  const [half, thick, layers] = [chance.between(78, 88), chance.between(24, 30), chance.whole(3, 4)];
  const bottom = 198;
  const fold = (index: number): string => {
    const y = bottom - (index + 1) * thick;
    const inset = index * 2.5;
    return `M${128 - half + inset},${y + thick * 0.5} Q${128 - half - 5 + inset},${y + 2} ${128 - half + 16 + inset},${y} L${128 + half - 8 - inset},${y} L${128 + half - 8 - inset},${y + thick} L${128 - half + 16 + inset},${y + thick} Q${128 - half - 5 + inset},${y + thick - 2} ${128 - half + inset},${y + thick * 0.5}Z`;
  };
  const drape = bottom - layers * thick;
  return {
    parts: [
      ...Array.from({ length: layers }, (_, index) => ({
        d: fold(index),
        fabric: 'body' as const,
        relief: 'cloth' as const,
        turn: 90,
        behind: 0.16 - index * 0.04,
      })),
      {
        d: `M${128 - half + 26},${drape - 5} Q128,${drape - 12} ${128 + half - 10},${drape - 5} L${128 + half - 4},${bottom - 14} Q${128 + 20},${bottom - 2} ${128 - half + 40},${bottom - 16}Z`,
        fabric: 'body',
        relief: 'cloth',
      },
    ],
    lines: [
      {
        d: Array.from({ length: 17 }, (_, index) => `M${128 - half + 44 + index * ((half * 2 - 52) / 16)},${bottom - 12} v14`).join(' '),
        fabric: 'body',
        width: 2.2,
        under: false,
      },
    ],
    folds: [`M116,${drape + 4} Q124,${bottom - 50} 118,${bottom - 12}`, `M168,${drape + 4} Q160,${bottom - 46} 170,${bottom - 14}`],
    ground: { y: bottom + 1, halfWidth: half },
  };
};

export const drawCurtain: Draughtsman = (chance) => {
  const [inner, outer] = [chance.between(14, 26), 92];
  const tie = chance.between(140, 156);
  const isTied = chance.happens(0.5);
  const panel = isTied
    ? `M${128 + 4},48 L${128 + outer},48 L${128 + outer + 2},${tie} L${128 + outer + 4},222 Q${128 + outer - 16},228 ${128 + outer - 40},222 Q${128 + outer - 24},${tie + 20} ${128 + outer - 22},${tie} Q${128 + 30},${tie - 30} ${128 + 4},48Z`
    : `M${128 + inner - 8},48 L${128 + outer},48 L${128 + outer},222 Q${128 + outer - 14},229 ${128 + outer - 28},222 Q${128 + inner + 28},229 ${128 + inner},222Z`;
  const [right, left] = bothSides(panel);
  const pleats = isTied
    ? [0.25, 0.5, 0.75].map(
        (at) =>
          `M${132 + at * (outer - 4)},52 Q${128 + outer - 40 + at * 34},${tie - 40} ${128 + outer - 22 + at * 20},${tie} Q${128 + outer - 34 + at * 34},${tie + 30} ${128 + outer - 38 + at * 40},220`,
      )
    : [0.2, 0.4, 0.6, 0.8].map(
        (at) =>
          `M${128 + inner + at * (outer - inner)},52 Q${128 + inner + at * (outer - inner) + 3},140 ${128 + inner + at * (outer - inner)},222`,
      );
  return {
    parts: [
      { d: box(56, 60, 144, 150, 2), fabric: 'glow', relief: 'none' },
      { d: box(126, 60, 4, 150, 0), fabric: 'trim', relief: 'none' },
      { d: left, fabric: 'body', relief: 'cloth', turn: isTied ? 6 : 0 },
      { d: right, fabric: 'body', relief: 'cloth', turn: isTied ? -6 : 0 },
      ...(isTied
        ? bothSides(
            `M${128 + outer - 26},${tie - 6} L${128 + outer + 5},${tie - 9} L${128 + outer + 5},${tie + 4} L${128 + outer - 26},${tie + 7}Z`,
          ).map((d) => ({ d, fabric: 'trim' as const, relief: 'flat' as const }))
        : []),
      { d: box(22, 38, 212, 8, 4), fabric: 'wood', relief: 'flat' },
      { d: ellipse(22, 42, 8, 8), fabric: 'wood', relief: 'ball' },
      { d: ellipse(234, 42, 8, 8), fabric: 'wood', relief: 'ball' },
    ],
    folds: pleats.flatMap((d) => bothSides(d)),
    ground: null,
  };
};

export const drawChair: Draughtsman = (chance) => {
  const isArmchair = chance.happens(0.5);
  if (isArmchair) {
    const [armRight, armLeft] = bothSides(
      `M${128 + 46},130 Q${128 + 52},116 ${128 + 70},116 Q${128 + 88},118 ${128 + 86},138 L${128 + 80},198 L${128 + 46},198Z`,
    );
    const [legRight, legLeft] = bothSides(`M${128 + 62},196 L${128 + 76},196 L${128 + 70},222 L${128 + 65},222Z`);
    return {
      parts: [
        { d: legRight, fabric: 'wood', relief: 'flat' },
        { d: legLeft, fabric: 'wood', relief: 'flat' },
        {
          d: `M${128 - 60},150 C${128 - 66},${chance.whole(40, 56)} ${128 - 40},40 128,40 C${128 + 40},40 ${128 + 66},${chance.whole(40, 56)} ${128 + 60},150Z`,
          fabric: 'body',
          relief: 'ball',
        },
        { d: box(128 - 52, 164, 104, 34, 6), fabric: 'body', relief: 'flat', behind: 0.2 },
        { d: box(128 - 54, 138, 108, 34, 14), fabric: 'body', relief: 'flat' },
        { d: armRight, fabric: 'body', relief: 'round' },
        { d: armLeft, fabric: 'body', relief: 'round' },
      ],
      folds: ['M80,174 Q128,182 176,174', 'M84,144 Q128,152 172,144'],
      ground: { y: 221, halfWidth: 78 },
    };
  }
  const [frontRight, frontLeft] = bothSides('M176,158 L186,158 L190,226 L183,226Z');
  const [backRight, backLeft] = bothSides('M158,156 L166,156 L168,214 L162,214Z');
  const [postRight, postLeft] = bothSides('M164,40 L172,40 L178,150 L169,150Z');
  return {
    parts: [
      { d: backRight, fabric: 'wood', relief: 'flat', behind: 0.25 },
      { d: backLeft, fabric: 'wood', relief: 'flat', behind: 0.25 },
      { d: postRight, fabric: 'wood', relief: 'flat' },
      { d: postLeft, fabric: 'wood', relief: 'flat' },
      { d: `M84,52 Q128,${chance.whole(36, 46)} 172,52 L176,112 Q128,120 80,112Z`, fabric: 'body', relief: 'ball' },
      { d: frontRight, fabric: 'wood', relief: 'flat' },
      { d: frontLeft, fabric: 'wood', relief: 'flat' },
      {
        d: 'M84,132 L172,132 Q180,132 186,146 L192,158 Q192,164 184,164 L72,164 Q64,164 64,158 L70,146 Q76,132 84,132Z',
        fabric: 'body',
        relief: 'flat',
      },
      { d: 'M64,158 L192,158 L190,170 Q188,173 182,173 L74,173 Q68,173 66,170Z', fabric: 'body', relief: 'flat', behind: 0.25 },
    ],
    ground: { y: 224, halfWidth: 72 },
  };
};
