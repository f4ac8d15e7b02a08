import { HttpError } from './errors.js';

/** Up to here a body needs no room: every search, and every call of ours, may be so long. */
export const ROOMLESS_BYTES = 1024 ** 2;
/** The longest body, one with photos in it. */
export const PHOTO_BYTES = 8 * 1024 ** 2;
const ROOM_BYTES = 64 * 1024 ** 2;

/** Bounds what the bodies with photos take together, of searches and of our own routes, from the first byte until the answer is out. */
export class PhotoRoom {
  readonly #bytes: number;
  #held = 0;

  constructor(bytes = ROOM_BYTES) {
    this.#bytes = bytes;
  }

  /** What to call when the bytes are let go of; null = there is no room for them now. */
  enter(bytes: number): (() => void) | null {
    if (bytes <= ROOMLESS_BYTES) return () => undefined;
    if (this.#held + bytes > this.#bytes) return null;
    this.#held += bytes;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#held -= bytes;
    };
  }

  /** Keeps room for a body until it is answered. Throws HttpError `photo_room_full`. */
  hold(bytes: number, response: { once(event: 'close', leave: () => void): unknown }): void {
    const leave = this.enter(bytes);
    if (!leave) throw new HttpError('photo_room_full', '', { 'retry-after': '1' });
    response.once('close', leave);
  }
}
