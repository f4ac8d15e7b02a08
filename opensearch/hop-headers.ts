/** Header names in lower case, as Node and undici give them. */
export type Headers = Record<string, string | string[]>;

// RFC 9110 §7.6.1: these speak of one connection, never of the message that travels on.
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers of a message without those of its hop, nor those its `connection` header names. */
export function dropHopHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const named = namedByConnection(headers);
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (value === undefined || HOP_BY_HOP.has(key) || named.has(key)) continue;
    kept[name] = value;
  }
  return kept;
}

/**
 * Headers to send upstream. `host` and `expect` belong to our own connection; the length is counted anew
 * unless the body is a stream, whose announced length is all we know of it.
 */
export function requestHeaders(headers: Headers, options: { keepLength: boolean }): Headers {
  const kept = dropHopHeaders(headers);
  for (const name of Object.keys(kept)) {
    const key = name.toLowerCase();
    if (key === 'host' || key === 'expect' || (key === 'content-length' && !options.keepLength)) delete kept[name];
  }
  return kept;
}

const NONE: ReadonlySet<string> = new Set();

function namedByConnection(headers: Readonly<Record<string, string | string[] | undefined>>): ReadonlySet<string> {
  const value = headers['connection'] ?? headers['Connection'];
  if (value === undefined) return NONE;
  const names = (Array.isArray(value) ? value.join(',') : value).split(',').map((name) => name.trim().toLowerCase());
  return new Set(names);
}
