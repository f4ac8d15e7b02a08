import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { SideWork } from '../../sidecar/walk/side-work.js';

describe('work beside a client', () => {
  it('stops with the client, for its reason', () => {
    const client = new AbortController();
    const work = new SideWork(client.signal);
    const gone = new Error('the client went');
    client.abort(gone);
    expect(work.signal.reason).toBe(gone);
  });

  it('is stopped at once for a client that has gone already', () => {
    expect(new SideWork(AbortSignal.abort(new Error('gone'))).signal.aborted).toBe(true);
  });

  it('keeps the reason of the first who stops it', () => {
    const work = new SideWork(new AbortController().signal);
    const late = new Error('late');
    work.abort(late);
    work.end();
    expect(work.signal.reason).toBe(late);
  });

  it('lets go of a client that stays when it ends', () => {
    const client = new AbortController();
    const work = new SideWork(client.signal);
    expect(getEventListeners(client.signal, 'abort')).toHaveLength(1);
    work.end();
    expect(work.signal.aborted).toBe(true);
    expect(getEventListeners(client.signal, 'abort')).toHaveLength(0);
  });
});
