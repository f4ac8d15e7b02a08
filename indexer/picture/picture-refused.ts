/** A picture that is not taken; the message says why, for the list of rejects. */
export class PictureRefused extends Error {
  override readonly name = 'PictureRefused';
}
