import type { Chance } from '../random.js';
import type { Hsl } from '../values.js';

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** CSS text of a colour, librsvg and browsers alike. */
export function cssColour([hue, saturation, lightness]: Hsl): string {
  const s = clamp(saturation, 0, 100) / 100;
  const l = clamp(lightness, 0, 100) / 100;
  const channel = (offset: number): string => {
    const k = (offset + (((hue % 360) + 360) % 360) / 30) % 12;
    const value = l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

export function lighten([hue, saturation, lightness]: Hsl, by: number): Hsl {
  return [hue, saturation, clamp(lightness + by, 3, 97)];
}

/** Another dye lot of the same colour. */
export function varyColour([hue, saturation, lightness]: Hsl, chance: Chance): Hsl {
  return [hue + chance.between(-4, 4), clamp(saturation + chance.between(-6, 6), 2, 95), clamp(lightness + chance.between(-4, 4), 8, 93)];
}

/** The colour a pattern is printed in: mostly a contrasting near-white or ink, sometimes tone in tone. */
export function motifColour(body: Hsl, chance: Chance): Hsl {
  const isLight = body[2] > 64;
  if (chance.happens(0.25))
    return isLight ? [body[0], Math.min(90, body[1] + 10), body[2] - 38] : [body[0], body[1] * 0.8, Math.min(88, body[2] + 38)];
  return isLight
    ? chance.pick<Hsl>([
        [body[0], 55, 34],
        [222, 30, 24],
        [20, 40, 28],
      ])
    : chance.pick<Hsl>([
        [40, 45, 94],
        [40, 30, 90],
        [200, 25, 94],
      ]);
}
