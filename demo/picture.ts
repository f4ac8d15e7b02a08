import sharp from 'sharp';

/** JPEG bytes of a drawn picture, 256 × 256. */
export async function renderPicture(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(svg)).flatten({ background: '#ffffff' }).jpeg({ quality: 86, chromaSubsampling: '4:4:4' }).toBuffer();
}

/** Many pictures on one PNG, `columns` to a row, each `cell` px wide: to look at. */
export async function composeSheet(svgs: readonly string[], options: { columns: number; cell: number }): Promise<Buffer> {
  const { columns, cell } = options;
  const tiles = await Promise.all(
    svgs.map(async (svg, index) => ({
      input: await sharp(Buffer.from(svg)).resize(cell, cell).png().toBuffer(),
      left: (index % columns) * cell,
      top: Math.floor(index / columns) * cell,
    })),
  );
  const height = Math.ceil(svgs.length / columns) * cell;
  return sharp({ create: { width: columns * cell, height, channels: 3, background: '#ffffff' } })
    .composite(tiles)
    .png()
    .toBuffer();
}
