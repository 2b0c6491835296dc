import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openClient } from '../../src/client/client.ts';
import { parseEndpoint } from '../../src/client/endpoint.ts';
import { RefusedError, UnreachableError } from '../../src/client/errors.ts';
import { timers } from '../server/serve.ts';
import { httpAnswer, makeFolder, openFaultSocket } from './fault-socket.ts';

function clientOf(socketPath: string, timeoutMilliseconds = 5_000) {
  const client = openClient({ endpoint: { socketPath, text: 'unix:///s' }, timers, timeoutMilliseconds });
  onTestFinished(() => client.close());
  return client;
}

const POOL = {
  apiVersion: 'berth-ipam.dev/v1alpha1',
  kind: 'AddressPool',
  metadata: { name: 'p' },
  spec: { ranges: [{ cidr: '10.0.0.0/24' }] },
} as const;
const failure = (promise: Promise<unknown>): Promise<UnreachableError> =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(UnreachableError);
      return error as UnreachableError;
    },
  );

test('no socket, and no folder either', async () => {
  const folder = makeFolder();
  for (const path of [join(folder, 's'), join(folder, 'no', 's')]) {
    expect(await failure(clientOf(path).version())).toMatchObject({ kind: 'absent', message: 'no socket at unix:///s', mayBeDone: false });
  }
});

test('a socket file that nobody listens on any more, and a plain file', async () => {
  const path = join(makeFolder(), 's');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  // Leaves the file behind, as a killed process does.
  const child = spawnSync(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(`${path}2`)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  expect(child.signal).toBe('SIGKILL');
  await new Promise((resolve) => server.close(resolve));
  expect(await failure(clientOf(`${path}2`).version())).toMatchObject({ kind: 'dead', message: 'nobody listens on unix:///s' });
  writeFileSync(`${path}3`, '');
  expect(await failure(clientOf(`${path}3`).version())).toMatchObject({ kind: 'dead' });
});

test.skipIf(process.getuid?.() !== 0)('a socket of somebody else (needs root to become somebody else)', async () => {
  const { path } = await openFaultSocket((socket) => socket.end(httpAnswer(200, '{}')));
  chmodSync(path, 0o600);
  const module = fileURLToPath(new URL('../../src/client/client.ts', import.meta.url));
  const script = `
    const { openClient } = await import(${JSON.stringify(module)});
    const timers = { now: Date.now, monotonic: () => performance.now(), after: (ms, call) => { const timer = setTimeout(call, ms); return () => clearTimeout(timer); } };
    const client = openClient({ endpoint: { socketPath: ${JSON.stringify(path)}, text: 'S' }, timers, timeoutMilliseconds: 5000 });
    process.setuid(65534);
    await client.version().catch((error) => console.log(error.kind, error.message));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  // The folder of mkdtemp is root's alone, which is as good as the socket itself.
  expect(child.stdout).toBe('denied no permission to use S\n');
});

test('silence ends at the deadline: a reading call changed nothing, a writing one may have', async () => {
  const { path } = await openFaultSocket(() => undefined);
  expect(await failure(clientOf(path, 150).version())).toMatchObject({
    kind: 'slow',
    message: 'no answer from unix:///s within 0.15 s',
    mayBeDone: false,
  });
  expect(await failure(clientOf(path, 150).applyPool(POOL))).toMatchObject({ kind: 'slow', mayBeDone: true });
});

test('an answer that drips for ever ends at the deadline, too', async () => {
  const { path } = await openFaultSocket((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
    const drip = setInterval(() => socket.write('1\r\n \r\n'), 10);
    socket.on('close', () => clearInterval(drip));
  });
  expect(await failure(clientOf(path, 200).version())).toMatchObject({ kind: 'slow' });
});

test.each([
  ['at once', ''],
  ['after the status line', 'HTTP/1.1 200 OK\r\n'],
  ['in the middle of the body', httpAnswer(200, '{"version":"1"}').slice(0, -5)],
])('a connection that breaks %s', async (_when, bytes) => {
  const { path } = await openFaultSocket((socket) => socket.end(bytes));
  expect(await failure(clientOf(path).version())).toMatchObject({ kind: 'cut', mayBeDone: false });
  expect(await failure(clientOf(path).release({ address: '10.0.0.1' }))).toMatchObject({ kind: 'cut', mayBeDone: true });
});

test.each([
  ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['a web page', httpAnswer(200, '<html>', 'text/html')],
  ['a web page of an error', httpAnswer(502, '<html>', 'text/html')],
  ['JSON of another shape', httpAnswer(200, '{"swagger":"2.0"}')],
  ['half a version', httpAnswer(200, '{"version":7,"store":"sqlite"}')],
  ['a problem without words', httpAnswer(404, '{"code":404}')],
  ['JSON cut short', httpAnswer(200, '{"version":')],
  ['null', httpAnswer(200, 'null')],
])('another program listens there: %s', async (_name, bytes) => {
  const { path } = await openFaultSocket((socket) => socket.end(bytes));
  expect(await failure(clientOf(path).version())).toMatchObject({ kind: 'garbage' });
});

test('a refusal is an error with all its facts', async () => {
  const problem = {
    type: 'about:blank',
    title: 'x',
    status: 409,
    code: 11,
    reason: 'PoolFull',
    detail: 'Full.',
    pools: [{ pool: 'p', reason: 'PoolFull', detail: '4 of 4 held' }],
  };
  const { path, received } = await openFaultSocket((socket) =>
    socket.end(httpAnswer(409, JSON.stringify(problem), 'application/problem+json')),
  );
  const error = await clientOf(path)
    .allocate({ subinstance: 's', subid: 'i', resource: { type: 'vm', value: 'v' } })
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(RefusedError);
  expect(error).toMatchObject({ message: 'Full.', problem });
  expect(received[0]).toContain('POST /v1/allocate HTTP/1.1');
  expect(received[0]!.endsWith('{"subinstance":"s","subid":"i","resource":{"type":"vm","value":"v"}}')).toBe(true);
});

test('an overloaded controller is asked again within the deadline; another refusal is not', async () => {
  const overloaded = JSON.stringify({ status: 503, code: 11, reason: 'Overloaded', detail: 'Busy.', retryAfterSeconds: 0.05 });
  const patient = await openFaultSocket((socket, connection) =>
    socket.end(connection < 3 ? httpAnswer(503, overloaded) : httpAnswer(200, '{"version":"9","store":"sqlite"}')),
  );
  expect(await clientOf(patient.path).version()).toEqual({ version: '9', store: 'sqlite' });
  expect(patient.received.length).toBe(4);

  const hopeless = await openFaultSocket((socket) => socket.end(httpAnswer(503, overloaded)));
  await expect(clientOf(hopeless.path, 300).version()).rejects.toThrow('Busy.');
  const firm = await openFaultSocket((socket) => socket.end(httpAnswer(503, overloaded.replace('Overloaded', 'Unavailable'))));
  await expect(clientOf(firm.path).version()).rejects.toThrow('Busy.');
  expect(firm.received.length).toBe(1);
});

test('a backup that breaks off is an error, not a short file', async () => {
  const { path } = await openFaultSocket((socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/vnd.sqlite3\r\ncontent-length: 1000\r\n\r\nSQLite'),
  );
  const { Writable } = await import('node:stream');
  const sink = new Writable({ write: (_chunk, _encoding, callback) => callback() });
  expect(await failure(clientOf(path).backup(sink))).toMatchObject({ kind: 'cut' });
});

test.each([
  ['unix:///run/berth/berth.sock', '/run/berth/berth.sock'],
  ['unix:/run/berth.sock', '/run/berth.sock'],
  ['unix:berth.sock', 'berth.sock'],
  ['/run/berth.sock', '/run/berth.sock'],
  ['./berth.sock', './berth.sock'],
])('the endpoint %s', (text, socketPath) =>
  expect(parseEndpoint(text)).toEqual({ ok: true, endpoint: { socketPath, text: `unix://${socketPath}` } }),
);

test.each(['', 'unix:', 'unix://', 'berth', 'http://localhost:80', 'https://x', 'tcp://x:1', `unix:/${'x'.repeat(108)}`, 'unix:/a\0b'])(
  'no endpoint: %j',
  (text) => {
    expect(parseEndpoint(text)).toMatchObject({ ok: false });
  },
);
