/** Asks the person at the page for a token. */

import { element } from './element.js';

const PURPOSES = { events: 'record clicks', search: 'search' };

/**
 * @param {{scope: string, again: boolean}} wanted again = the one that was shown was not taken
 * @returns {Promise<string | null>} null = they would rather not
 */
export function askForToken({ scope, again }) {
  const box = element('input', { id: 'token', type: 'password', autocomplete: 'off', required: true, maxlength: '1000' });
  const cancel = element('button', { type: 'button', class: 'quiet' }, ['Cancel']);
  const form = element('form', {}, [
    element('p', {}, [
      again ? 'That token is not known, or has another scope. ' : '',
      `To ${PURPOSES[scope] ?? scope}, the sidecar wants a token of the scope “${scope}” (server.tokens of its configuration). It is kept until this tab is closed.`,
    ]),
    element('div', { class: 'field grow' }, [element('label', { for: 'token' }, ['Token']), box]),
    element('button', { type: 'submit' }, ['Use it']),
    cancel,
  ]);
  const dialog = element('dialog', { 'aria-label': 'A token is needed' }, [form]);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let token = null;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      token = box.value.trim();
      if (token !== '') dialog.close();
    });
    cancel.addEventListener('click', () => dialog.close());
    // Escape closes it, too.
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(token === '' ? null : token);
    });
    dialog.showModal();
  });
}
