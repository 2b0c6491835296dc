import { test as property, fc } from '@fast-check/vitest';
import { expect, onTestFinished, test } from 'vitest';
import { openClient } from '../../src/client/client.ts';
import { createEventParser } from '../../src/client/event-stream.ts';
import type { ClientEvent } from '../../src/client/events.ts';
import { UnreachableError } from '../../src/client/errors.ts';
import { timers } from '../server/serve.ts';
import { httpAnswer, openFaultSocket } from './fault-socket.ts';

const STREAM = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';
const POOL = {
  apiVersion: 'berth-ipam.dev/v1alpha1',
  kind: 'AddressPool',
  metadata: { name: 'p' },
  spec: { ranges: [{ cidr: '10.0.0.0/24' }] },
};
const put = (name: string): string => `event: put\ndata: ${JSON.stringify({ ...POOL, metadata: { name } })}\n\n`;

test.each([
  ['one event', 'event: put\ndata: {}\n\n', [{ event: 'put', data: '{}' }]],
  [
    'CR LF, and CR alone',
    'event: a\r\ndata: 1\r\n\r\nevent: b\rdata: 2\r\rdata: 3\n',
    [
      { event: 'a', data: '1' },
      { event: 'b', data: '2' },
    ],
  ],
  ['several lines of data', 'data: a\ndata: b\n\n', [{ event: 'message', data: 'a\nb' }]],
  [
    'comments, retry, ids and unknown fields',
    ': still here\nretry: 1000\nid: 7\nfoo: bar\n\ndata:x\n\n',
    [{ event: 'message', data: 'x' }],
  ],
  ['an event without data is none', 'event: put\n\n', []],
  ['an event without its end is none yet', 'data: x\n', []],
])('the stream: %s', (_name, text, events) => expect(createEventParser()(text)).toEqual(events));

property.prop([
  fc.array(fc.tuple(fc.constantFrom('put', 'removed'), fc.string({ unit: 'grapheme' }))),
  fc.constantFrom('\n', '\r\n', '\r'),
  fc.array(fc.nat(40)),
])('wherever the network cuts, the same events come out', (events, newline, cuts) => {
  const expected = events.map(([event, data]) => ({ event, data: JSON.stringify(data) }));
  // A last comment, because a CR at the very end could still become a CR LF.
  const whole = `${expected.map(({ event, data }) => `event: ${event}${newline}data: ${data}${newline}${newline}`).join('')}:x`;
  const parse = createEventParser();
  const seen = [];
  let rest = whole;
  for (const cut of cuts) {
    seen.push(...parse(rest.slice(0, cut)));
    rest = rest.slice(cut);
  }
  seen.push(...parse(rest));
  expect(seen).toEqual(expected);
});

test('an event without end is not collected for ever', () => {
  const parse = createEventParser();
  expect(() => {
    for (let chunk = 0; chunk < 100; chunk++) parse('data: '.padEnd(100_000, 'x'));
  }).toThrow('an event without end');
});

function follow(path: string) {
  const client = openClient({ endpoint: { socketPath: path, text: 'S' }, timers, timeoutMilliseconds: 2_000 });
  const stop = new AbortController();
  onTestFinished(() => {
    stop.abort();
    client.close();
  });
  return { events: client.events({ signal: stop.signal }), stop };
}

async function take(events: AsyncGenerator<ClientEvent>, many: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < many) {
    const { value, done } = await events.next();
    if (done) break;
    seen.push(
      'object' in value
        ? `${value.type} ${value.object.metadata.name}`
        : value.type === 'connected'
          ? `connected ${value.again}`
          : value.type,
    );
  }
  return seen;
}

test('the line breaks, the controller comes back: it goes on, and says so', async () => {
  const { path } = await openFaultSocket((socket, connection) => {
    if (connection === 0) socket.end(`${STREAM}${put('one')}${put('two').slice(0, 20)}`);
    else if (connection === 1) socket.destroy();
    else if (connection === 2) socket.end(httpAnswer(503, '{}'));
    else socket.write(`${STREAM}: hello\n\n${put('three')}event: removed\ndata: ${JSON.stringify(POOL)}\n\n`);
  });
  const { events } = follow(path);
  const seen = await take(events, 6);
  expect(seen.filter((word) => word !== 'lost')).toEqual(['connected false', 'put one', 'connected true', 'put three', 'removed p']);
  // Told once, however many attempts it takes.
  expect(seen.filter((word) => word === 'lost')).toEqual(['lost']);
});

test('what cannot be reached at all is an error at once', async () => {
  const { events } = follow('/nowhere/berth.sock');
  await expect(events.next()).rejects.toBeInstanceOf(UnreachableError);
});

test('what is no stream is an error at once', async () => {
  const { path } = await openFaultSocket((socket) => socket.end(httpAnswer(200, '{}')));
  await expect(follow(path).events.next()).rejects.toThrow('offers no stream of changes');
});

test('events of a kind this version does not know are passed over, nonsense breaks the line but not the reader', async () => {
  const { path } = await openFaultSocket((socket, connection) => {
    socket.write(STREAM);
    if (connection === 0)
      socket.write(
        `event: renamed\ndata: {"kind":"AddressClaim"}\n\nevent: put\ndata: {"kind":"New"}\n\n${put('known')}event: put\ndata: {nonsense\n\n`,
      );
    else socket.write(put('again'));
  });
  const { events } = follow(path);
  expect((await take(events, 5)).filter((word) => word !== 'lost')).toEqual([
    'connected false',
    'put known',
    'connected true',
    'put again',
  ]);
});

test('abort ends it without an error', async () => {
  const { path } = await openFaultSocket((socket) => socket.write(STREAM + put('one')));
  const { events, stop } = follow(path);
  expect(await take(events, 2)).toEqual(['connected false', 'put one']);
  const next = events.next();
  stop.abort();
  expect(await next).toEqual({ value: undefined, done: true });
});
