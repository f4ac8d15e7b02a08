import { expect, test } from 'vitest';
import { RecordWriter } from '../../sidecar/behaviour/record-writer.js';
import { EventsNotStored, EventStore, TooManyWaiting } from '../../sidecar/behaviour/event-store.js';
import type { Upstream, UpstreamAnswer } from '../../opensearch/upstream.js';

const free = (): boolean => false;
/** An index whose writes hang until they are let go. */
function openHanging() {
  const written: string[][] = [];
  const goOn: (() => void)[] = [];
  const index = {
    write: (documents: readonly { id: string }[]) => {
      written.push(documents.map(({ id }) => id));
      return new Promise<{ id: string; reason: string }[]>((resolve) => goOn.push(() => resolve([])));
    },
  };
  return { index, written, goOn };
}

test('while writes hang, records wait up to so many bytes and no more', async () => {
  const { index, goOn, written } = openHanging();
  const writer = new RecordWriter(index, { held: free, mostBytes: 1_000 });
  const answers = [writer.write('first', [], { text: 'x'.repeat(400) })];
  expect(writer.hasRoom).toBe(true);
  answers.push(writer.write('second', [], { text: 'x'.repeat(700) }));
  expect(writer.hasRoom).toBe(false);
  goOn[0]?.();
  expect(await answers[0]).toBeNull();
  expect(writer.hasRoom).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  goOn[1]?.();
  expect(await answers[1]).toBeNull();
  expect(written).toEqual([['first'], ['second']]);
});

test('what is dropped, refused or failed leaves its room', async () => {
  const failing = { write: () => Promise.reject(new Error('gone')) };
  const writer = new RecordWriter(failing, { held: (names) => names.includes('held'), mostBytes: 100 });
  expect(await writer.write('a', ['u'], { text: 'x'.repeat(200) })).toBe('gone');
  expect(writer.hasRoom).toBe(true);
  const held = writer.write('b', ['held'], { text: 'x'.repeat(200) });
  expect(writer.hasRoom).toBe(false);
  writer.drop((name) => name === 'held');
  expect(await held).toBeNull();
  expect(writer.hasRoom).toBe(true);
});

test('a call that finds no room is refused whole: nothing of it is stored or remembered', async () => {
  const bulks: string[] = [];
  let answerBulk: (answer: UpstreamAnswer) => void = () => undefined;
  const upstream: Upstream = {
    send: ({ path, body }) => {
      if (!path.endsWith('/_bulk')) return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}') });
      bulks.push(String(body));
      return new Promise((resolve) => (answerBulk = resolve));
    },
    stream: () => Promise.reject(new Error('nothing is streamed')),
    close: () => Promise.resolve(),
  };
  const store = new EventStore({ upstream, behaviour: { events: 'e', queries: 'q' }, mostWaitingBytes: 2_000 });
  const event = (user: string, filler = '') => ({
    action_name: 'click',
    timestamp: new Date().toISOString(),
    user_id: user,
    event_attributes: { object: { object_id: 'boot' }, filler },
  });
  const first = store.record([event('a', 'x'.repeat(3_000))]);
  const refused = store.record([event('b')]);
  await expect(refused).rejects.toBeInstanceOf(TooManyWaiting);
  await expect(refused).rejects.not.toBeInstanceOf(EventsNotStored);
  await new Promise((resolve) => setImmediate(resolve));
  answerBulk({ status: 200, headers: {}, body: Buffer.from('{"items":[{"create":{"status":201}}]}') });
  await first;
  expect(bulks).toHaveLength(1);
  expect(bulks.join('')).not.toContain('"b"');
  const second = store.record([event('c')]);
  await new Promise((resolve) => setImmediate(resolve));
  answerBulk({ status: 200, headers: {}, body: Buffer.from('{"items":[{"create":{"status":201}}]}') });
  await second;
});
