import sharp from 'sharp';

const SVG = { operation: ['VipsForeignLoadSvg'] };
let drawing = 0;

/** The picture decoder forbids SVG to the whole process, rightly: it is allowed only while the demo draws its own. */
async function whileDrawing<T>(work: () => Promise<T>): Promise<T> {
  if (drawing++ === 0) sharp.unblock(SVG);
  try {
    return await work();
  } finally {
    if (--drawing === 0) sharp.block(SVG);
  }
}

/** JPEG bytes of a drawn picture, 256 × 256. */
export async function renderPicture(svg: string): Promise<Buffer> {
  return whileDrawing(() => rasterise(svg));
}

async function rasterise(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(svg)).flatten({ background: '#ffffff' }).jpeg({ quality: 86, chromaSubsampling: '4:4:4' }).toBuffer();
}
