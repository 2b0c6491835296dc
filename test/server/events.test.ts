/** GET /v1/events: every change in order, a heartbeat, no endless buffering, a clean end. */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { ChangeEvent } from '../../src/ipam/operations.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { stubOperations } from '../support/stub-operations.ts';
import { poolDocument, serve, serveReal, timers } from './serve.ts';

interface Reader {
  readonly response: IncomingMessage;
  readonly text: () => string;
  readonly ended: () => boolean;
  leave(): void;
}

function read(socketPath: string): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path: '/v1/events', agent: false }, (response) => {
      let text = '';
      let ended = false;
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => (ended = true));
      response.on('error', () => undefined);
      resolve({ response, text: () => text, ended: () => ended, leave: () => outgoing.destroy() });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const parse = (text: string) =>
  text.split('\n\n').flatMap((block) => {
    const [event, data] = block.split('\n');
    if (!event?.startsWith('event: ') || !data?.startsWith('data: ')) return [];
    return [{ event: event.slice(7), data: JSON.parse(data.slice(6)) }];
  });

describe('/v1/events', () => {
  test('shows a pool and the life of a binding, in order', async () => {
    const { ask, socketPath } = await serveReal();
    const reader = await read(socketPath);
    expect(reader.response.headers['content-type']).toBe('text/event-stream');
    await ask('PUT', '/v1/pools/blue', poolDocument('blue', { ranges: [{ cidr: '10.0.0.0/29' }] }));
    const allocation = { pools: ['blue'], subinstance: 't', subid: 's', resource: { type: 'vm', value: 'v\n\nevent: forged' } };
    await ask('POST', '/v1/allocate', { ...allocation, resource: { type: 'vm', value: 'v' } });
    await ask('POST', '/v1/release', { subinstance: 't' });
    const events = await eventually(() => parse(reader.text()).length >= 3 && parse(reader.text()), 'three events');
    expect(
      events.map(({ event, data }) => [event, data.kind, data.metadata.name.replace(/10-0-0-\d/, 'X'), data.spec.releasedAt !== undefined]),
    ).toEqual([
      ['put', 'AddressPool', 'blue', false],
      ['put', 'AddressBinding', 'default.X', false],
      ['put', 'AddressBinding', 'default.X', true],
    ]);
    reader.leave();
  });

  test('a line break in a record cannot forge an event', async () => {
    let tell: (event: ChangeEvent) => void = () => undefined;
    const { socketPath } = await serve(stubOperations({ subscribe: (listener) => ((tell = listener), () => undefined) }));
    const reader = await read(socketPath);
    tell(poolEvent('a\n\nevent: removed\ndata: {}'));
    const events = await eventually(() => parse(reader.text()).length > 0 && parse(reader.text()), 'an event');
    expect(events).toHaveLength(1);
    expect(events[0]?.data.metadata.name).toBe('a\n\nevent: removed\ndata: {}');
    reader.leave();
  });

  test('a heartbeat says that the stream lives, and a reader that leaves is forgotten', async () => {
    const beats: (() => void)[] = [];
    let subscribed = 0;
    const operations = stubOperations({ subscribe: () => ((subscribed += 1), () => void (subscribed -= 1)) });
    const { socketPath } = await serve(operations, {
      timers: {
        ...timers,
        after: (ms, callback) => (ms === 15_000 ? (beats.push(callback), () => undefined) : timers.after(ms, callback)),
      },
    });
    const reader = await read(socketPath);
    beats[0]?.();
    await eventually(() => reader.text().includes(': still here\n\n'), 'the heartbeat');
    expect(beats).toHaveLength(2);
    expect(subscribed).toBe(1);
    reader.leave();
    await eventually(() => subscribed === 0, 'the subscription to end');
  });

  test('a reader that does not read is let go, not buffered for without end', async () => {
    let tell: (event: ChangeEvent) => void = () => undefined;
    const reading = { subscribed: true };
    const operations = stubOperations({ subscribe: (listener) => ((tell = listener), () => void (reading.subscribed = false)) });
    const { socketPath } = await serve(operations);
    const reader = await read(socketPath);
    reader.response.pause();
    for (let count = 0; reading.subscribed && count < 100_000; count += 1) tell(poolEvent('x'.repeat(10_000)));
    expect(reading.subscribed).toBe(false);
    expect((await ask({ socketPath }, 'GET', '/livez')).status).toBe(200);
    reader.leave();
  });

  test('the 65th reader is refused, and one that leaves makes room', async () => {
    const { socketPath } = await serve(stubOperations());
    const readers = await Promise.all(Array.from({ length: 64 }, () => read(socketPath)));
    const refused = await ask({ socketPath }, 'GET', '/v1/events');
    expect([refused.status, refused.headers['retry-after'], refused.json.reason]).toEqual([503, '10', 'Overloaded']);
    readers[0]?.leave();
    await eventually(async () => (await ask({ socketPath }, 'GET', '/metrics')).text.includes('berth_event_streams 63'), 'room for one');
    const another = await read(socketPath);
    expect(another.response.statusCode).toBe(200);
    for (const reader of [...readers, another]) reader.leave();
  });

  test('a stop ends the stream whole', async () => {
    const { server, socketPath } = await serve(stubOperations());
    const reader = await read(socketPath);
    await server.close(5_000);
    expect(await eventually(reader.ended, 'the end of the stream')).toBe(true);
  });
});

const poolEvent = (name: string): ChangeEvent =>
  ({ kind: 'pool', type: 'put', stored: { name, uid: 'u', version: '1', spec: { ranges: [], family: 'IPv4' } } }) as unknown as ChangeEvent;
