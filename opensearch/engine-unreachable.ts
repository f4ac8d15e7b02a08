/** OpenSearch gave no usable answer. The message names the address, what happened and what to do about it. */
export class EngineUnreachable extends Error {
  override readonly name = 'EngineUnreachable';
  /** The address that was asked. */
  readonly url: string;

  constructor(options: { url: string; reason: string; fix: string; cause?: unknown }) {
    super(`OpenSearch at ${options.url}: ${options.reason}. ${options.fix}`, { cause: options.cause });
    this.url = options.url;
  }
}

/** The system's code of a failure (`ECONNREFUSED`, `UND_ERR_SOCKET`, …), looked for along its causes. */
export function failureCode(failure: unknown): string | null {
  for (let error = failure; error instanceof Error; error = error.cause) {
    if ('code' in error && typeof error.code === 'string') return error.code;
    if (error instanceof AggregateError) {
      const codes = error.errors.map(failureCode).filter((code) => code !== null);
      if (codes[0] !== undefined) return codes[0];
    }
  }
  return null;
}

/** Words for a connection that failed, from the failure's code or text. */
export function describeUnreachable(url: string, failure: unknown): EngineUnreachable {
  const text = failure instanceof Error ? failure.message : String(failure);
  const told = `${failureCode(failure) ?? ''} ${text}`;
  const known = FAULTS.find(({ sign }) => sign.test(told));
  return new EngineUnreachable({
    url,
    reason: known?.reason ?? (text || 'the connection failed'),
    fix: known?.fix ?? 'Check opensearch.nodes in fuserank.yaml (or FUSERANK_OPENSEARCH_NODES) and that OpenSearch runs there.',
    cause: failure,
  });
}

// Ordered: a client library may wrap a certificate fault into a message that also speaks of a closed connection.
const FAULTS: readonly { sign: RegExp; reason: string; fix: string }[] = [
  {
    sign: /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|self.signed|unable to verify|unable to get (local )?issuer/i,
    reason: 'its certificate is signed by an authority that this machine does not know',
    fix: 'Set opensearch.tls.caFile to that authority’s certificate (or, for a trial on your own machine only, opensearch.tls.verify: false).',
  },
  {
    sign: /CERT_HAS_EXPIRED|certificate has expired/i,
    reason: 'its certificate has expired',
    fix: 'Renew the certificate of the OpenSearch node.',
  },
  {
    sign: /ERR_TLS_CERT_ALTNAME_INVALID|altnames/i,
    reason: 'its certificate is made out to another host name',
    fix: 'Use the host name of the certificate in opensearch.nodes.',
  },
  {
    sign: /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|unsupported protocol|alert protocol version/i,
    reason: 'it speaks no TLS as new as 1.2',
    fix: 'Allow TLS 1.2 or 1.3 in the node’s plugins.security.ssl.http.enabled_protocols.',
  },
  {
    sign: /EPROTO|wrong version number|packet length too long/i,
    reason: 'it answers plain HTTP, not TLS',
    fix: 'Write http:// instead of https:// in opensearch.nodes.',
  },
  {
    sign: /ECONNREFUSED/,
    reason: 'nothing listens there (connection refused)',
    fix: 'Start OpenSearch, or set opensearch.nodes (FUSERANK_OPENSEARCH_NODES) to where it runs.',
  },
  {
    sign: /ENOTFOUND|EAI_AGAIN/,
    reason: 'the host name cannot be resolved',
    fix: 'Check the spelling in opensearch.nodes, or the name server of this machine.',
  },
  {
    sign: /ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH|TimeoutError|timed out/i,
    reason: 'no answer in time',
    fix: 'Check firewalls and routes to the host, or raise opensearch.timeoutMs.',
  },
  {
    sign: /answer broke off/,
    reason: 'the connection was lost in the middle of its answer',
    fix: 'Look into its log, and into that of a proxy between, for a restart or a time-out.',
  },
  {
    sign: /ECONNRESET|EPIPE|UND_ERR_SOCKET|socket hang up|other side closed/i,
    reason: 'it closed the connection without an answer',
    fix: 'If it speaks TLS, write https:// in opensearch.nodes; else look into its log.',
  },
];
