import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClientGone } from './request-body.js';

/** An answer that is ready: what the walk gives for a search. */
export interface SearchAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

const OURS = /^(x-fuserank|server-timing)/;
const LONGEST_HEADER = 1024;

/** What may stand in a header: printable ASCII, nothing that ends a line, not endless. */
export function headerText(value: string): string {
  return value.replace(/[^\x20-\x7e]+/g, '?').slice(0, LONGEST_HEADER);
}

/** Response headers as we send them on: the engine's as they are, ours made safe, `alt-svc` dropped (it speaks of another host). */
export function answerHeaders(headers: SearchAnswer['headers']): Record<string, string | string[]> {
  const sent: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (key === 'alt-svc') continue;
    sent[name] = OURS.test(key) ? (Array.isArray(value) ? value.map(headerText) : headerText(value)) : value;
  }
  return sent;
}

/** Sends a whole answer; its length is counted here, whatever its headers said. */
export function sendAnswer(response: ServerResponse, answer: SearchAnswer): void {
  const headers = answerHeaders(answer.headers);
  for (const name of Object.keys(headers)) {
    if (/^(content-length|transfer-encoding|connection|keep-alive)$/i.test(name)) delete headers[name];
  }
  response.writeHead(answer.status, { ...headers, 'content-length': answer.body.length });
  response.end(answer.body);
}

/** Aborts when the client goes before it has its whole answer. */
export function watchClient(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new ClientGone('the client closed the connection'));
  });
  return controller.signal;
}
