import { type Draughtsman, type Fabric, bothSides, box, ellipse } from './silhouette.js';

export const drawBag: Draughtsman = (chance) => {
  const [top, spread, base] = [chance.between(98, 112), chance.between(66, 80), chance.between(58, 72)];
  const [bottom, reach] = [chance.between(202, 214), chance.between(34, 56)];
  const body = `M${128 - spread},${top} Q128,${top + 7} ${128 + spread},${top} L${128 + base},${bottom - 8} Q${128 + base},${bottom} ${128 + base - 10},${bottom} L${128 - base + 10},${bottom} Q${128 - base},${bottom} ${128 - base},${bottom - 8}Z`;
  const handle = (y: number): string =>
    `M${128 - 34},${y + 8} C${128 - 34},${y - reach * 1.5} ${128 + 34},${y - reach * 1.5} ${128 + 34},${y + 8}`;
  const hasFlap = chance.happens(0.35);
  const strap: Fabric = chance.happens(0.5) ? 'trim' : 'wood';
  return {
    parts: [
      { d: ellipse(128, top, spread, 6), fabric: 'inside', relief: 'none' },
      { d: body, fabric: 'body', relief: 'cloth' },
      ...(hasFlap
        ? [
            {
              d: `M${128 - spread},${top - 4} Q128,${top + 4} ${128 + spread},${top - 4} L${128 + spread - 4},${top + 40} Q128,${top + 74} ${128 - spread + 4},${top + 40}Z`,
              fabric: 'body' as const,
              relief: 'cloth' as const,
            },
            { d: box(120, top + 46, 16, 20, 4), fabric: 'metal' as const, relief: 'flat' as const },
          ]
        : [
            { d: box(128 - 40, top + 4, 12, 22, 3), fabric: strap, relief: 'flat' as const },
            { d: box(128 + 28, top + 4, 12, 22, 3), fabric: strap, relief: 'flat' as const },
          ]),
    ],
    lines: [
      { d: handle(top - 6), fabric: strap, width: 6, under: true },
      { d: handle(top + 2), fabric: strap, width: 6.5 },
    ],
    folds: [
      `M${128 - base + 18},${top + 56} Q${128 - base + 26},${bottom - 40} ${128 - base + 18},${bottom - 12}`,
      `M${128 + base - 20},${top + 60} Q${128 + base - 28},${bottom - 36} ${128 + base - 18},${bottom - 12}`,
    ],
    stitches: [`M${128 - base + 5},${bottom - 6} H${128 + base - 5}`],
    ground: { y: bottom, halfWidth: base + 6 },
  };
};

export const drawBackpack: Draughtsman = (chance) => {
  const [half, top] = [chance.between(54, 62), chance.between(50, 58)];
  const [strapRight, strapLeft] = bothSides(
    `M${128 + half - 16},${top + 20} C${128 + half + 20},${top + 44} ${128 + half + 22},170 ${128 + half - 2},196 L${128 + half - 10},186 C${128 + half + 6},160 ${128 + half + 4},${top + 60} ${128 + half - 28},${top + 30}Z`,
  );
  return {
    parts: [
      { d: strapRight, fabric: 'trim', relief: 'flat', behind: 0.1 },
      { d: strapLeft, fabric: 'trim', relief: 'flat', behind: 0.1 },
      {
        d: `M${128 - half},112 C${128 - half},${top} 98,${top} 128,${top} C158,${top} ${128 + half},${top} ${128 + half},112 L${128 + half},196 Q${128 + half},214 ${128 + half - 18},214 L${128 - half + 18},214 Q${128 - half},214 ${128 - half},196Z`,
        fabric: 'body',
        relief: 'cloth',
      },
      { d: box(128 - half + 12, 138, half * 2 - 24, 64, 14), fabric: chance.happens(0.3) ? 'trim' : 'body', relief: 'flat' },
      {
        d: `M${128 - half + 12},152 Q128,${chance.whole(160, 176)} ${128 + half - 12},152 L${128 + half - 12},140 Q128,134 ${128 - half + 12},140Z`,
        fabric: 'body',
        relief: 'flat',
        behind: 0.12,
      },
      { d: box(122, 156, 12, 16, 3), fabric: 'metal', relief: 'flat' },
    ],
    lines: [
      { d: `M112,${top + 3} C112,${top - 20} 144,${top - 20} 144,${top + 3}`, fabric: 'trim', width: 6, under: true },
      {
        d: `M${128 - half + 8},116 C${128 - half + 12},${top + 14} ${128 + half - 12},${top + 14} ${128 + half - 8},116`,
        fabric: 'metal',
        width: 2.2,
      },
    ],
    stitches: [`M${128 - half + 6},206 H${128 + half - 6}`],
    folds: ['M92,120 Q98,128 94,136', 'M162,120 Q158,128 164,136'],
    ground: { y: 214, halfWidth: half + 8 },
  };
};

export const drawUmbrella: Draughtsman = (chance) => {
  const [half, dip] = [chance.between(84, 94), chance.between(8, 14)];
  const top = 52;
  const panelWidth = (half * 2) / 4;
  const rim = [3, 2, 1, 0]
    .map((index) => `Q${128 - half + (index + 0.5) * panelWidth},${132 - dip * 1.6} ${128 - half + index * panelWidth},132`)
    .join(' ');
  return {
    parts: [
      { d: box(126, 36, 4, 20, 2), fabric: 'metal', relief: 'round' },
      { d: box(125.5, 118, 5, 88, 2), fabric: 'wood', relief: 'round' },
      {
        d: `M${128 - half},132 C${128 - half + 12},74 96,${top} 128,${top} C160,${top} ${128 + half - 12},74 ${128 + half},132 ${rim}Z`,
        fabric: 'body',
        relief: 'ball',
      },
    ],
    lines: [{ d: 'M128,200 C128,226 102,226 102,206', fabric: 'wood', width: 7 }],
    folds: [1, 2, 3].map(
      (index) => `M128,${top} Q${128 - half * 0.9 + index * panelWidth * 0.95},84 ${128 - half + index * panelWidth},130`,
    ),
    ground: null,
  };
};
