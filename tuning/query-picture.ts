import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';

/** A picture to search by can't be had. */
export class PictureUnavailable extends Error {
  override readonly name = 'PictureUnavailable';
  readonly exitCode = 2;
}

/**
 * Base64 of a picture file, or of what an http(s) address answers; the sidecar decodes and judges it.
 * @param folder what a relative path starts from
 * @throws PictureUnavailable
 */
export async function readQueryPicture(source: string, folder: string): Promise<string> {
  if (/^https?:/.test(source)) {
    const response = await fetch(source).catch((error: unknown) => {
      throw new PictureUnavailable(`${source} does not answer (${String(error)}); give a picture file or an address that answers`);
    });
    if (response.ok) return Buffer.from(await response.arrayBuffer()).toString('base64');
    throw new PictureUnavailable(`${source} answered ${response.status}; give a picture file or an address that answers`);
  }
  const file = isAbsolute(source) ? source : resolve(folder, source);
  try {
    return (await readFile(file)).toString('base64');
  } catch {
    throw new PictureUnavailable(`${file} cannot be read; give a picture file or an address that answers`);
  }
}
