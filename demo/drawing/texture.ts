import type { Hsl } from '../values.js';

/** Weave or glaze over the body; `gloss` 0…1 is how strongly a highlight lies on it. */
export interface Texture {
  defs: string;
  paint: string | null;
  gloss: number;
}

const GLOSS: Record<string, number> = {
  leather: 0.3,
  ceramic: 0.42,
  porcelain: 0.5,
  glass: 0.6,
  satin: 0.34,
  stoneware: 0.14,
  enamel: 0.5,
  nylon: 0.16,
  velvet: 0.12,
  silk: 0.34,
};

/** Marks of one repeat of the weave, drawn in the given dark and light. */
const WEAVES: Record<string, { width: number; height: number; marks: string }> = {
  knit: { width: 6, height: 6, marks: '<path d="M0,0 L3,4 L6,0 M0,6 L3,10 L6,6" fill="none" stroke="DARK" stroke-width="1.3"/>' },
  wool: { width: 5, height: 5, marks: '<path d="M0,1 Q2,3 1,5 M3,0 Q5,2 4,4" fill="none" stroke="DARK" stroke-width=".9"/>' },
  denim: { width: 4, height: 4, marks: '<path d="M-1,5 L5,-1 M-1,1 L1,-1 M3,5 L5,3" stroke="LIGHT" stroke-width=".9"/>' },
  linen: {
    width: 5,
    height: 5,
    marks: '<path d="M0,1 H5 M0,3.6 H5" stroke="LIGHT" stroke-width=".5"/><path d="M1.4,0 V5 M4,0 V5" stroke="DARK" stroke-width=".5"/>',
  },
  canvas: { width: 4, height: 4, marks: '<path d="M0,0 H2 V2 H0Z M2,2 H4 V4 H2Z" fill="DARK"/>' },
  suede: { width: 9, height: 9, marks: '<path d="M1,2 l2,1 M5,1 l1,2 M7,5 l-2,1 M2,6 l1,2" stroke="LIGHT" stroke-width=".9"/>' },
  jute: { width: 7, height: 5, marks: '<path d="M0,2.5 q1.75,-2.5 3.5,0 t3.5,0" fill="none" stroke="DARK" stroke-width="1.1"/>' },
  stoneware: {
    width: 17,
    height: 17,
    marks:
      '<g fill="DARK"><circle cx="3" cy="4" r=".8"/><circle cx="11" cy="2" r=".6"/><circle cx="8" cy="11" r=".9"/><circle cx="15" cy="14" r=".7"/></g>',
  },
};

export function drawTexture(material: string, body: Hsl): Texture {
  const gloss = GLOSS[material] ?? 0;
  const weave = WEAVES[material];
  if (!weave) return { defs: '', paint: null, gloss };
  const isDark = body[2] < 30;
  const marks = weave.marks.replaceAll('DARK', isDark ? '#fff' : '#150f1c').replaceAll('LIGHT', isDark ? '#dfe6ff' : '#fff');
  return {
    defs: `<pattern id="weave" width="${weave.width}" height="${weave.height}" patternUnits="userSpaceOnUse"><g opacity=".17">${marks}</g></pattern>`,
    paint: 'url(#weave)',
    gloss,
  };
}
