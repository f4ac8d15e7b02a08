import { html, type Markup } from './markup.js';

/** A picture kept in the run itself may be this long, so that a report of many lists stays light. */
const DATA_LIMIT = 100_000;
const DATA_PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/;
/** Stands for the report's own place; a picture that leaves it would come by the network. */
const REPORT_PLACE = 'file:///report/';

/**
 * The address a report may show a picture by: data in the run, or a file at an address relative to the report or a
 * `file:` address of this machine. Null for everything else: a report loads nothing by the network.
 */
export function localPicture(address: string): string | null {
  if (address.startsWith('data:')) return address.length <= DATA_LIMIT && DATA_PICTURE.test(address) ? address : null;
  if (!URL.canParse(address, REPORT_PLACE)) return null;
  // As a browser reads it: with white space dropped and back slashes turned, `\\host\a.jpg` names another machine.
  const { protocol, host } = new URL(address, REPORT_PLACE);
  return protocol === 'file:' && host === '' && address.trim() !== '' ? address : null;
}

/** A frame with the picture; without a size of its own, one that cannot be read leaves the frame empty. */
export function renderPicture(address: string | null | undefined): Markup {
  if (address === null || address === undefined) return html`<span class="picture"></span>`;
  const local = localPicture(address);
  return local === null
    ? html`<span class="picture" title="not shown, a report loads nothing by the network: ${address.slice(0, 200)}"></span>`
    : html`<span class="picture"><img src="${local}" alt="" loading="lazy" /></span>`;
}
