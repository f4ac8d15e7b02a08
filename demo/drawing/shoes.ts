import { type Draughtsman, box, ellipse } from './silhouette.js';

const laces = (from: readonly [number, number], to: readonly [number, number], count: number, width: number): string =>
  Array.from({ length: count }, (_, index) => {
    const share = index / (count - 1);
    const [x, y] = [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
    return `M${x - width / 2},${y + 5} L${x + width / 2},${y - 5}`;
  }).join(' ');

export const drawSneaker: Draughtsman = (chance) => {
  const collar = chance.between(88, 104);
  const isHigh = chance.happens(0.3);
  const top = isHigh ? collar - 28 : collar;
  return {
    parts: [
      { d: `M52,${top + 4} Q76,${top + 14} 100,${top} L104,${top + 16} Q74,${top + 28} 52,${top + 16}Z`, fabric: 'inside', relief: 'none' },
      {
        d: `M50,${top + 2} C60,${top + 22} 88,${top + 22} 102,${top} C112,${top + 8} 122,128 150,140 C178,152 214,150 220,170 L222,184 L46,184 C40,160 50,130 50,${top + 2}Z`,
        fabric: 'body',
        relief: 'flat',
      },
      {
        d: 'M176,150 C206,152 222,160 221,184 L170,184 C166,168 168,158 176,150Z',
        fabric: chance.happens(0.5) ? 'trim' : 'body',
        relief: 'flat',
      },
      {
        d: `M50,${top + 6} C46,134 42,160 46,184 L78,184 C70,160 60,140 62,${top + 14}Z`,
        fabric: chance.happens(0.5) ? 'trim' : 'body',
        relief: 'flat',
      },
      { d: `M102,${top} C112,${top + 8} 122,128 154,142 L140,156 C116,146 104,128 94,${top + 12}Z`, fabric: 'trim', relief: 'flat' },
      { d: 'M40,180 C90,186 170,184 226,178 C232,188 230,200 222,202 L52,204 C40,204 36,192 40,180Z', fabric: 'sole', relief: 'flat' },
    ],
    lines: [{ d: laces([104, top + 14], [144, 146], isHigh ? 7 : 5, 22), fabric: 'sole', width: 4 }],
    stitches: [`M84,180 C92,160 128,160 160,180`, `M64,${top + 20} C66,150 76,166 84,180`],
    folds: ['M44,194 L226,192'],
    ground: { y: 203, halfWidth: 98 },
  };
};

export const drawBoot: Draughtsman = (chance) => {
  const top = chance.between(38, 76);
  const heel = chance.happens(0.5) ? 16 : 9;
  return {
    parts: [
      { d: ellipse(103, top, 37, 8), fabric: 'inside', relief: 'none' },
      {
        d: `M66,${top} Q103,${top + 14} 140,${top} C142,90 142,118 150,132 C168,146 206,150 210,178 L210,192 L68,192 C60,164 70,120 66,${top}Z`,
        fabric: 'body',
        relief: 'flat',
      },
      {
        d: `M66,${top - 3} Q103,${top + 11} 140,${top - 3} L140,${top + 14} Q103,${top + 28} 67,${top + 14}Z`,
        fabric: chance.happens(0.5) ? 'trim' : 'body',
        relief: 'round',
      },
      { d: `M66,190 L212,190 Q216,200 206,202 L112,202 L108,${202 + heel} L68,${202 + heel}Z`, fabric: 'sole', relief: 'flat' },
    ],
    lines: chance.happens(0.6)
      ? [{ d: laces([126, top + 32], [150, 146], 5, 20), fabric: 'sole', width: 3.4 }]
      : [{ d: `M86,${top + 12} Q92,130 92,188`, fabric: 'metal', width: 2.4 }],
    folds: ['M82,146 Q110,156 138,142', 'M80,158 Q112,168 146,152', 'M168,156 Q176,170 172,188'],
    stitches: ['M70,184 L206,184'],
    ground: { y: 204 + heel * 0.7, halfWidth: 82, x: 138 },
  };
};

export const drawSandal: Draughtsman = (chance) => {
  const lift = chance.between(0, 14);
  const y = 178;
  return {
    parts: [
      {
        d: `M34,${y - lift} C70,${y - 6 - lift} 120,${y + 4} 170,${y - 2} C206,${y - 6} 228,${y - 4} 226,${y + 8} C224,${y + 20} 200,${y + 22} 160,${y + 22} L52,${y + 22} C34,${y + 22} 28,${y} 34,${y - lift}Z`,
        fabric: 'sole',
        relief: 'flat',
      },
      {
        d: `M36,${y - 4 - lift} C70,${y - 12 - lift} 120,${y - 2} 170,${y - 8} C206,${y - 12} 226,${y - 8} 226,${y + 2} C180,${y + 8} 90,${y + 6} 36,${y + 4 - lift}Z`,
        fabric: 'wood',
        relief: 'flat',
      },
      {
        d: `M146,${y - 4} C146,${y - 64} 176,${y - 74} 196,${y - 48} C206,${y - 32} 212,${y - 16} 214,${y} C192,${y + 6} 166,${y + 4} 146,${y - 4}Z`,
        fabric: 'body',
        relief: 'round',
      },
      {
        d: `M54,${y - 2 - lift} C52,${y - 70 - lift} 66,${y - 92 - lift} 84,${y - 92 - lift} L112,${y - 86 - lift} C100,${y - 70 - lift} 92,${y - 40 - lift} 92,${y - 2 - lift * 0.7}Z`,
        fabric: 'body',
        relief: 'round',
        turn: 90,
      },
      {
        d: `M78,${y - 92 - lift} C110,${y - 104 - lift} 150,${y - 96} 170,${y - 64} L158,${y - 50} C140,${y - 74} 112,${y - 80 - lift} 84,${y - 74 - lift}Z`,
        fabric: 'body',
        relief: 'flat',
        turn: 60,
      },
      { d: box(98, y - 98 - lift * 0.8, 15, 17, 3), fabric: 'metal', relief: 'flat' },
    ],
    folds: [`M36,${y + 14} L224,${y + 12}`],
    ground: { y: y + 21, halfWidth: 100 },
  };
};
