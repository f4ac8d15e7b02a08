type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a client's headers say of its own body and of the answer it wants. All others are repeated: they say who asks. */
const OF_THE_MESSAGE = new Set([
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-md5',
  'content-type',
  'digest',
  'range',
]);

/** Those of one connection, and those that may be others with each request of the same client. */
const OF_ONE_REQUEST =
  /^(host|connection|keep-alive|te|trailer|transfer-encoding|expect|date|x-amz-date|accept-language|cache-control|pragma|priority|referer|user-agent|sec-.*|x-opaque-id|traceparent|tracestate|baggage|b3|x-b3-.*|(x-)?(request|correlation|trace|transaction|amzn-trace|client-trace)-id|x-request-start|x-cloud-trace-context|x-datadog-.*|x-envoy-.*|uber-trace-id|sentry-trace|elastic-apm-traceparent|newrelic|cf-ray)$/;

/** Headers of a search of ours: whatever the client is known to the engine by (tokens, proxy headers), and what ties its requests together. */
export function repeatedHeaders(headers: Headers): Record<string, string | string[]> {
  const repeated: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !OF_THE_MESSAGE.has(name) && !name.startsWith('if-')) repeated[name] = value;
  }
  return repeated;
}

/** Whatever of those may decide what the client is shown, in a fixed order: equal for the pages that one client asks for. */
export function identityHeaders(headers: Headers): [string, string | string[]][] {
  return Object.entries(repeatedHeaders(headers))
    .filter(([name]) => !OF_ONE_REQUEST.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
