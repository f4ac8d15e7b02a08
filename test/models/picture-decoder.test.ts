import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePicture, UnreadablePicture } from '../../models/picture-decoder.js';

const red = { r: 220, g: 20, b: 30 };

function paint(width: number, height: number, alpha?: number): Sharp {
  const background = alpha === undefined ? red : { ...red, alpha };
  return sharp({ create: { width, height, channels: alpha === undefined ? 3 : 4, background } });
}

describe('decodePicture', () => {
  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('reads %s', async (format) => {
    const pixels = await decodePicture(await paint(40, 30).toFormat(format).toBuffer());
    expect([pixels.width, pixels.height, pixels.data.length]).toEqual([40, 30, 40 * 30 * 3]);
    const [r, g, b] = pixels.data;
    expect(Math.hypot((r ?? 0) - red.r, (g ?? 0) - red.g, (b ?? 0) - red.b)).toBeLessThan(12);
  });

  it('lays transparency on white', async () => {
    const pixels = await decodePicture(await paint(8, 8, 0).png().toBuffer());
    expect([...pixels.data.subarray(0, 3)]).toEqual([255, 255, 255]);
  });

  it('turns a photo upright by its EXIF orientation', async () => {
    const sideways = await paint(60, 20).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const pixels = await decodePicture(sideways);
    expect([pixels.width, pixels.height]).toEqual([20, 60]);
  });

  it('fits large pictures inside 512 and leaves small ones alone', async () => {
    const large = await decodePicture(await paint(2000, 1000).jpeg().toBuffer());
    expect([large.width, large.height]).toEqual([512, 256]);
    const small = await decodePicture(await paint(3, 1).png().toBuffer());
    expect([small.width, small.height]).toEqual([3, 1]);
  });

  it.each([
    ['grey', (s: Sharp) => s.greyscale().png()],
    ['CMYK', (s: Sharp) => s.toColourspace('cmyk').jpeg()],
    ['sixteen bits', (s: Sharp) => s.toColourspace('rgb16').png()],
  ])('reads %s as RGB of eight bits', async (_name, write) => {
    const pixels = await decodePicture(await write(paint(10, 10)).toBuffer());
    expect(pixels.data.length).toBe(300);
  });

  it('reads the first frame of an animation alone', async () => {
    const frames = Buffer.concat([Buffer.alloc(20 * 20 * 3, 250), Buffer.alloc(20 * 20 * 3, 5)]);
    const animation = await sharp(frames, { raw: { width: 20, height: 40, channels: 3, pageHeight: 20 } })
      .gif({ delay: [100, 100] })
      .toBuffer();
    const pixels = await decodePicture(animation);
    expect([pixels.width, pixels.height]).toEqual([20, 20]);
    expect(pixels.data[0]).toBeGreaterThan(200);
  });

  it.each([
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>')],
    ['SVG behind a declaration', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['PDF', Buffer.from('%PDF-1.7\n1 0 obj\n')],
    ['text', Buffer.from('not a picture')],
    ['nothing', Buffer.alloc(0)],
    ['two bytes', Buffer.from([0xff, 0xd8])],
  ])('refuses %s and says what to send', async (_name, bytes) => {
    await expect(decodePicture(bytes)).rejects.toThrow(UnreadablePicture);
    await expect(decodePicture(bytes)).rejects.toThrow(/send JPEG, PNG, WebP or GIF/);
  });

  it('refuses TIFF, also where the loaders could read it', async () => {
    const tiff = await paint(10, 10).tiff().toBuffer();
    await expect(decodePicture(tiff)).rejects.toThrow(UnreadablePicture);
  });

  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('refuses a %s that breaks off', async (format) => {
    const noise = await sharp({
      create: { width: 200, height: 200, channels: 3, background: red, noise: { type: 'gaussian', mean: 120, sigma: 60 } },
    })
      .toFormat(format)
      .toBuffer();
    await expect(decodePicture(noise.subarray(0, noise.length >> 1))).rejects.toThrow(/cannot be decoded .*; send a whole file/);
  });

  it.each(['jpeg', 'png', 'gif'] as const)('refuses a %s whose first bytes are right and whose rest is rubbish', async (format) => {
    const bytes = await paint(50, 50).toFormat(format).toBuffer();
    const polyglot = Buffer.concat([bytes.subarray(0, 10), Buffer.from('<svg width="10" height="10"/>'.repeat(20))]);
    await expect(decodePicture(polyglot)).rejects.toThrow(UnreadablePicture);
  });

  it('refuses more pixels than allowed, before it unpacks them', async () => {
    const bytes = await paint(3000, 3000).png().toBuffer();
    await expect(decodePicture(bytes, { maxPixels: 1_000_000 })).rejects.toThrow(/more than 1000000 pixels; .*raise maxPixels/);
  });

  it('refuses a GIF that declares 65,535 × 65,535 pixels in a few bytes', async () => {
    const gif = await paint(4, 4).gif().toBuffer();
    const frame = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 4, 0, 4, 0]));
    expect(frame).toBeGreaterThan(0);
    for (const at of [6, 8, frame + 5, frame + 7]) gif.writeUInt16LE(65_535, at);
    await expect(decodePicture(gif)).rejects.toThrow(UnreadablePicture);
  });

  it('reads a strip one pixel wide', async () => {
    const pixels = await decodePicture(await paint(1, 4000).png().toBuffer());
    expect(pixels.width).toBe(1);
    expect(pixels.height).toBeLessThanOrEqual(512);
  });
});
