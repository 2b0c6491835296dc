/** What HTTP itself refuses, and that nothing of it reaches the operations. */
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { done } from '../../src/core/refusal.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { ask, askRaw } from '../support/http.ts';
import { stubOperations } from '../support/stub-operations.ts';
import { cniAdd } from './requests.ts';
import { serve } from './serve.ts';

const answer = { addresses: [{ address: '10.0.0.5/24', pool: 'p' }], routes: [] };

describe('a request that is not for us', () => {
  test.each([
    ['an unknown path', 'GET', '/nope', undefined, {}, 404, 'There is no such route; /openapi.json lists them.'],
    ['a path of another server', 'GET', '/v1/cni/add/', undefined, {}, 404, 'There is no such route; /openapi.json lists them.'],
    ['the wrong method', 'GET', '/v1/cni/add', undefined, {}, 405, 'This route takes POST.'],
    ['the wrong method of a route with parameters', 'POST', '/v1/pools/a', {}, {}, 405, 'This route takes GET, PUT, DELETE.'],
    ['a path that cannot be decoded', 'GET', '/v1/pools/%E0%A4%A', undefined, {}, 404, 'There is no such route; /openapi.json lists them.'],
    [
      'a name that climbs',
      'GET',
      '/v1/pools/..%2f..%2fetc',
      undefined,
      {},
      400,
      'name in the path: must be a DNS label: a-z, 0-9 and -, at most 63.',
    ],
    [
      'a name with a zero byte',
      'GET',
      '/v1/pools/a%00b',
      undefined,
      {},
      400,
      'name in the path: must be a DNS label: a-z, 0-9 and -, at most 63.',
    ],
    ['an unknown query parameter', 'GET', '/v1/bindings?colour=red', undefined, {}, 400, 'the query: unrecognized key: "colour".'],
    ['a query parameter given twice', 'GET', '/v1/bindings?pool=a&pool=b', undefined, {}, 400, 'A query parameter is given twice.'],
    ['a query on a route without one', 'GET', '/v1/pools?x=1', undefined, {}, 400, 'This route takes no query parameters.'],
    [
      'another content type',
      'POST',
      '/v1/cni/add',
      '{}',
      { 'content-type': 'text/plain' },
      415,
      'The body must be sent as content-type: application/json.',
    ],
    ['no JSON', 'POST', '/v1/cni/add', '{"a":', {}, 400, 'The body is not JSON.'],
    ['an empty body', 'POST', '/v1/cni/add', '', {}, 400, 'The body is not JSON.'],
    ['bytes that are no UTF-8', 'POST', '/v1/cni/add', Buffer.from([0x22, 0xff, 0x22]), {}, 400, 'The body is not UTF-8.'],
    ['a body that is no object', 'POST', '/v1/cni/add', '[]', {}, 400, 'the body: invalid input: expected object, received array.'],
    ['two MiB', 'POST', '/v1/cni/add', `"${'x'.repeat(2 * 1024 * 1024)}"`, {}, 413, 'The body is larger than 1048576 bytes.'],
  ])('%s', async (_name, method, path, body, headers, status, detail) => {
    const { socketPath } = await serve(stubOperations());
    const response = await ask({ socketPath }, method, path, body, headers);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json).toMatchObject({ type: 'about:blank', status, code: 7, reason: 'InvalidRequest', detail });
    expect(response.status).toBe(status);
  });

  test('the wrong method names the right ones', async () => {
    const { socketPath } = await serve(stubOperations());
    expect((await ask({ socketPath }, 'PATCH', '/v1/pools/a')).headers['allow']).toBe('GET, PUT, DELETE');
  });
});

describe('bytes that are no HTTP', () => {
  test.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['a TLS hello', Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x00]), 400],
    ['headers of 20 KiB', `GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['a body with two lengths', 'POST /v1/cni/add HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}', 400],
    [
      'a length and chunks (request smuggling)',
      'POST /v1/cni/add HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s', async (_name, bytes, status) => {
    const { socketPath } = await serve(stubOperations());
    const reply = await askRaw(socketPath, bytes);
    expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(reply).toContain('"reason":"InvalidRequest"');
    expect((await ask({ socketPath }, 'GET', '/livez')).status).toBe(200);
  });

  test('headers that never end are cut off, and do not hold up others', async () => {
    const { socketPath } = await serve(stubOperations());
    const slow = connect({ path: socketPath });
    slow.write('POST /v1/cni/add HTTP/1.1\r\nhost: x\r\n');
    const drip = setInterval(() => slow.write('x-a: b\r\n'), 100);
    slow.on('error', () => undefined);
    let reply = '';
    slow.on('data', (chunk: Buffer) => (reply += chunk.toString()));
    expect((await ask({ socketPath }, 'GET', '/livez')).status).toBe(200);
    await once(slow, 'close');
    clearInterval(drip);
    expect(reply).toMatch(/^HTTP\/1.1 408 /);
  });

  test('half a body and then nothing: the operations are not called', async () => {
    const { socketPath, log } = await serve(stubOperations());
    const half = connect({ path: socketPath });
    half.write('POST /v1/cni/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"cniVersion":');
    await eventually(async () => (await metric(socketPath, 'berth_connections')) === '2', 'the connection to be counted');
    half.destroy();
    await eventually(
      async () => (await metric(socketPath, 'berth_requests_total{verb="add",result="Gone"}')) === '1',
      'the request to be counted as gone',
    );
    expect(log.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('a caller that does not wait for answers', () => {
  const pipelined = (count: number) => {
    const body = JSON.stringify(cniAdd());
    return `POST /v1/cni/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`.repeat(
      count,
    );
  };

  test('is answered in order for a few requests', async () => {
    const { socketPath } = await serve(stubOperations({ add: async () => done(answer) }));
    const reply = await askRaw(socketPath, `${pipelined(3)}GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(reply.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4);
    expect(reply).toMatch(/ok\n$/);
  });

  test('cannot heap up requests without end, and does not harm others', async () => {
    let calls = 0;
    const { socketPath } = await serve(stubOperations({ add: () => ((calls += 1), new Promise(() => undefined)) }));
    const greedy = connect({ path: socketPath });
    greedy.on('error', () => undefined);
    greedy.write(pipelined(2_000));
    await new Promise((resolve) => greedy.once('close', resolve));
    expect(calls).toBeLessThanOrEqual(16);
    expect((await ask({ socketPath }, 'GET', '/livez')).status).toBe(200);
  });

  test('a thousand requests over one connection, one after the other, are no heap', async () => {
    const { socketPath } = await serve(stubOperations({ add: async () => done(answer) }));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const statuses = new Set<number>();
    for (let count = 0; count < 1_000; count += 1)
      statuses.add((await ask({ socketPath, agent } as never, 'POST', '/v1/cni/add', cniAdd())).status);
    agent.destroy();
    expect([...statuses]).toEqual([200]);
  });
});

describe('a caller that goes away', () => {
  test('is seen by the operation while it works', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => boolean>();
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    const operations = stubOperations({
      add: async (caller) => {
        arrive(caller.gone);
        await finished;
        return done(answer);
      },
    });
    const { socketPath, log } = await serve(operations);
    const body = JSON.stringify(cniAdd());
    const client = connect({ path: socketPath });
    client.write(`POST /v1/cni/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const gone = await arrived;
    expect(gone()).toBe(false);
    client.destroy();
    await eventually(gone, 'the caller to be seen gone');
    finish();
    expect((await ask({ socketPath }, 'GET', '/livez')).status).toBe(200);
    expect(log.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('what goes wrong inside', () => {
  test('a bug is answered without a stack and logged with it', async () => {
    const { socketPath, log } = await serve(stubOperations({ add: () => Promise.reject(new TypeError('secret-inner-detail')) }));
    const response = await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd());
    expect(response.status).toBe(500);
    expect(response.json).toMatchObject({ code: 11, detail: 'The controller failed unexpectedly; its log has the details. Try again.' });
    expect(response.text).not.toContain('secret-inner-detail');
    const line = log.find(({ message }) => message === 'request failed');
    expect((line?.fields['err'] as Error | undefined)?.stack).toContain('http.test.ts');
  });

  test('a bug that throws at once is caught too', async () => {
    const { socketPath } = await serve(stubOperations());
    expect((await ask({ socketPath }, 'GET', '/v1/bindings')).status).toBe(500);
  });

  test('a store that is out of reach is 503 with Retry-After', async () => {
    const { socketPath } = await serve(
      stubOperations({ add: () => Promise.reject(new StoreUnavailable('the disk is full: free some space')) }),
    );
    const response = await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd());
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(response.json).toMatchObject({
      code: 11,
      reason: 'Unavailable',
      detail: 'The store cannot be used now: the disk is full: free some space',
      retryAfterSeconds: 1,
    });
  });

  test('nothing but probes is answered before the store is read', async () => {
    let synced = false;
    const { socketPath } = await serve(stubOperations({ synced: () => synced, add: () => Promise.resolve(done(answer)) }));
    expect((await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd())).json).toMatchObject({
      status: 503,
      reason: 'Unavailable',
      retryAfterSeconds: 1,
    });
    expect((await ask({ socketPath }, 'GET', '/livez')).status).toBe(200);
    expect((await ask({ socketPath }, 'GET', '/readyz')).text).toBe('reading pools and bindings\n');
    synced = true;
    expect((await ask({ socketPath }, 'GET', '/readyz')).status).toBe(200);
    expect((await ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd())).json).toEqual(answer);
  });
});

describe('a stop', () => {
  test('waits for an answer under way, and then says that the connection ends', async () => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    const operations = stubOperations({ add: async () => (await finished, done(answer)) });
    const { server, socketPath } = await serve(operations);
    const asked = ask({ socketPath, agent: new Agent({ keepAlive: true }) } as never, 'POST', '/v1/cni/add', cniAdd());
    await eventually(async () => (await metric(socketPath, 'berth_connections')) === '2', 'the call to arrive');
    let closed = false;
    const closing = server.close(10_000).then(() => (closed = true));
    await expect(ask({ socketPath, agent: false } as never, 'GET', '/livez')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
    expect(closed).toBe(false);
    finish();
    const response = await asked;
    expect([response.status, response.headers['connection']]).toEqual([200, 'close']);
    await closing;
  });

  test('does not wait longer than its patience', async () => {
    const { server, socketPath } = await serve(stubOperations({ add: () => new Promise(() => undefined) }));
    const asked = ask({ socketPath }, 'POST', '/v1/cni/add', cniAdd());
    asked.catch(() => undefined);
    await eventually(async () => (await metric(socketPath, 'berth_connections')) === '2', 'the call to arrive');
    await server.close(50);
    await expect(asked).rejects.toThrow(/socket hang up|ECONNRESET/);
  });
});

async function metric(socketPath: string, name: string): Promise<string | undefined> {
  const { text } = await ask({ socketPath, agent: false } as never, 'GET', '/metrics');
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line?.slice(name.length + 1);
}
