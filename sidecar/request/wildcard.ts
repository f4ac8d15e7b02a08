/**
 * Whether a text is like a pattern in which `*` stands for any text, also none. Looks for the parts between the stars from left to
 * right: a regular expression would try them in every combination, and patterns come with requests.
 */
export function matchesWildcard(text: string, pattern: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return text === head;
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false;
  let position = head.length;
  for (const middle of rest) {
    const at = text.indexOf(middle, position);
    if (at < 0) return false;
    position = at + middle.length;
  }
  return position <= text.length - tail.length;
}
