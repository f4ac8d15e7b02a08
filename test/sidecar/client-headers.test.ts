import { describe, expect, it } from 'vitest';
import { identityHeaders, repeatedHeaders } from '../../sidecar/request/client-headers.js';

const who = {
  authorization: 'Basic x',
  cookie: 'a=b',
  'x-proxy-user': 'ann',
  'x-proxy-roles': 'shop',
  securitytenant: 't',
  'x-forwarded-for': '1.2.3.4',
};
const message = {
  'content-type': 'application/json',
  'content-length': '7',
  'accept-encoding': 'gzip',
  'if-match': 'x',
  range: 'bytes=0-',
};
const oneRequest = {
  host: 'shop',
  connection: 'close',
  referer: '/?page=2',
  'x-opaque-id': '7',
  traceparent: '00-1-2-01',
  'x-request-id': 'r',
  'x-b3-traceid': 'b',
  'x-amzn-trace-id': 'Root=1',
};

describe('the headers of a client', () => {
  it('are repeated where they say who asks or tie requests together', () => {
    expect(repeatedHeaders({ ...who, ...message, ...oneRequest })).toEqual({ ...who, ...oneRequest });
  });

  it('name it by all of those that its next request has, too, in whatever order', () => {
    const named = identityHeaders({ ...who, ...message, ...oneRequest });
    expect(Object.fromEntries(named)).toEqual(who);
    expect(identityHeaders(Object.fromEntries(Object.entries(who).reverse()))).toEqual(named);
    for (const name of Object.keys(who)) expect(identityHeaders({ ...who, [name]: 'of another' })).not.toEqual(named);
  });
});
