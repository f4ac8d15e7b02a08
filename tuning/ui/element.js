/**
 * An element with attributes and children; strings become text, never markup.
 * @param {string} name
 * @param {Record<string, string | boolean>} attributes true = present, false = absent
 * @param {(Node | string)[]} children
 */
export function element(name, attributes = {}, children = []) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, '');
    else if (value !== false) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
