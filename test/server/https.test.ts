/** The https listener: a node is who its certificate says, nothing but the plugin's routes, certificates renewed in place. */
import { copyFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Caller } from '../../src/ipam/operations.ts';
import { done } from '../../src/core/refusal.ts';
import type { ServerPorts } from '../../src/server/server.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import type { Pair } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { stubOperations } from '../support/stub-operations.ts';
import { cniAdd, cniDel } from './requests.ts';
import { makeFolder, serve, timers } from './serve.ts';

async function serveHttps(ports: Partial<ServerPorts> = {}) {
  const folder = await makeFolder();
  const authority = makeAuthority(folder, 'authority');
  const own = makeCertificate(folder, 'server', '/CN=controller', authority);
  const callers: Caller[] = [];
  const served = await serve(
    stubOperations({
      add: async (caller) => (callers.push(caller), done({ addresses: [], routes: [] })),
      del: async (caller) => (callers.push(caller), done([])),
      check: async (caller) => (callers.push(caller), done(undefined)),
      spool: async (caller) => (callers.push(caller), done([])),
    }),
    ports,
  );
  const files = { cert: own.certFile, key: own.keyFile, clientCa: authority.certFile };
  const address = await served.server.listen({ kind: 'https', host: '127.0.0.1', port: 0 }, { socketMode: 0o600, tls: files });
  if (address.kind !== 'https') throw new Error('not https');
  const { port } = address;
  const target = (client?: Pair) => ({
    host: '127.0.0.1',
    port,
    ca: authority.cert,
    agent: false as const,
    ...(client && { cert: client.cert, key: client.key }),
  });
  return { ...served, folder, authority, own, callers, port, target };
}

/** A connection that says nothing. */
async function openFrom(localAddress: string, port: number): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

describe('https', () => {
  test('the node is the certificate’s CN', async () => {
    const { folder, authority, callers, target } = await serveHttps();
    const client = makeCertificate(folder, 'client', '/O=berth/CN=node-7', authority);
    expect((await ask(target(client), 'POST', '/v1/cni/add', cniAdd())).status).toBe(200);
    expect((await ask(target(client), 'POST', '/v1/cni/del', cniDel())).status).toBe(200);
    expect(callers.map(({ node }) => node)).toEqual(['node-7', 'node-7']);
  });

  test('nothing but the plugin’s routes is there', async () => {
    const { folder, authority, target } = await serveHttps();
    const client = makeCertificate(folder, 'client', '/CN=node-7', authority);
    for (const path of [
      '/v1/pools',
      '/v1/bindings',
      '/v1/events',
      '/v1/backup',
      '/metrics',
      '/livez',
      '/readyz',
      '/openapi.json',
      '/v1/version',
    ]) {
      expect((await ask(target(client), 'GET', path)).status, path).toBe(404);
    }
    expect((await ask(target(client), 'POST', '/v1/allocate', {})).status).toBe(404);
    expect((await ask(target(client), 'GET', '/v1/cni/add')).status).toBe(405);
  });

  test.each([
    ['no CN', '/O=berth'],
    ['two CNs', '/CN=node-1/CN=node-2'],
    ['a CN that is no node name', '/CN=node 1'],
    ['a CN that climbs', '/CN=..'],
  ])('a certificate with %s is nobody', async (_name, subject) => {
    const { folder, authority, callers, target } = await serveHttps();
    const client = makeCertificate(folder, 'client', subject, authority);
    const response = await ask(target(client), 'POST', '/v1/cni/add', cniAdd());
    expect([response.status, response.json.reason, response.json.code]).toEqual([403, 'NotAllowed', 103]);
    expect(callers).toEqual([]);
  });

  test('without a certificate, with another authority’s, with an expired one: no answer at all', async () => {
    const { folder, authority, callers, target, socketPath } = await serveHttps();
    const stranger = makeCertificate(folder, 'stranger', '/CN=node-1', makeAuthority(folder, 'others'));
    const expired = makeCertificate(folder, 'expired', '/CN=node-1', authority, -1);
    for (const client of [undefined, stranger, expired]) {
      await expect(ask(target(client), 'POST', '/v1/cni/add', cniAdd())).rejects.toThrow(
        /ECONNRESET|EPIPE|socket hang up|alert|certificate/i,
      );
    }
    expect(callers).toEqual([]);
    expect((await ask({ socketPath }, 'GET', '/livez')).status).toBe(200);
  });

  test('TLS 1.1 and plain http are not spoken', async () => {
    const { folder, authority, port, target } = await serveHttps();
    const client = makeCertificate(folder, 'client', '/CN=node-1', authority);
    await expect(
      ask({ ...target(client), maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as never, 'POST', '/v1/cni/add', cniAdd()),
    ).rejects.toThrow(/protocol|version/i);
    await expect(fetch(`http://127.0.0.1:${port}/v1/cni/add`)).rejects.toThrow('fetch failed');
  });

  test('a connection that is kept does not outlive its certificate, nor the authority that signed it', async () => {
    let later = 0;
    const { folder, authority, server, target } = await serveHttps({ timers: { ...timers, now: () => Date.now() + later } });
    const client = makeCertificate(folder, 'client', '/CN=node-1', authority);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    let connections = 0;
    const asked = async () => {
      const kept = { ...target(client), agent };
      const { status, json } = await ask(kept, 'POST', '/v1/cni/add', cniAdd());
      return [status, json.reason];
    };
    agent.createConnection = ((create) => (...all: never[]) => (connections++, (create as any).apply(agent, all)))(agent.createConnection) as never; // prettier-ignore
    expect(await asked()).toEqual([200, undefined]);
    later = 3 * 86_400_000;
    expect([await asked(), connections]).toEqual([[401, 'Unauthenticated'], 1]);
    later = 0;
    expect(await asked()).toEqual([200, undefined]);
    const others = makeAuthority(folder, 'others');
    await copyFile(others.certFile, authority.certFile);
    await server.reloadCertificates();
    await expect(asked()).rejects.toThrow(/ECONNRESET|EPIPE|socket hang up|alert|certificate/i);
  });

  test('a node that names more than nodes do is told to come back, and goes on with what nodes do; others do not notice', async () => {
    let now = 0;
    const { folder, authority, target } = await serveHttps({ timers: { ...timers, monotonic: () => now } });
    const [greedy, modest] = ['node-7', 'node-8'].map((node) => makeCertificate(folder, node, `/CN=${node}`, authority));
    const call = async (client: Pair, verb: string, body: object) => {
      const { status, headers, json } = await ask(target(client), 'POST', `/v1/cni/${verb}`, body);
      return status === 200 ? status : [status, json.reason, headers['retry-after']];
    };
    const many = <T>(one: T, length: number): T[] => Array.from({ length }, () => one);
    const batch = { deletes: many(cniDel({ prevAddresses: ['10.0.0.1/24', 'fd00::1/64'] }), 4_000) };
    expect(await call(greedy!, 'spool', batch)).toBe(200);
    const wait = [503, 'Overloaded', expect.stringMatching(/^3\d$/)];
    expect(await call(greedy!, 'spool', { deletes: many(cniDel(), 3) })).toEqual(wait);
    expect(await call(greedy!, 'del', cniDel({ prevAddresses: many('10.0.0.1', 256) }))).toEqual(wait);
    expect(await call(greedy!, 'check', cniDel({ prevAddresses: many('10.0.0.1', 3) }))).toEqual(wait);
    expect(await call(greedy!, 'add', cniAdd({ pools: many(many('p', 32), 32) }))).toEqual(wait);
    expect(await call(greedy!, 'add', Object.fromEntries(many(0, 90_000).map((_, index) => [`key-${index}`, 0])))).toEqual(wait);
    expect(await call(greedy!, 'add', cniAdd({ pools: ['a', ['b']] }))).toBe(200);
    expect(await call(greedy!, 'del', cniDel({ prevAddresses: many('10.0.0.1', 2) }))).toBe(200);
    expect(await call(modest!, 'spool', batch)).toBe(200);
    now += 40_000;
    expect(await call(greedy!, 'spool', { deletes: many(cniDel(), 200) })).toBe(200);
  });

  test('who comes while 256 handshakes are under way is turned away at once; nobody who is served counts', async () => {
    const { folder, authority, port, target } = await serveHttps();
    const client = makeCertificate(folder, 'client', '/CN=node-1', authority);
    const served = connect({ ...target(client), host: '127.0.0.1' });
    await once(served, 'secureConnect');
    const silent = await Promise.all(Array.from({ length: 256 }, (_, index) => openFrom(`127.0.0.${2 + (index % 4)}`, port)));
    const late = await openFrom('127.0.0.6', port);
    await once(late.resume(), 'close');
    expect([silent.filter(({ destroyed }) => destroyed).length, served.destroyed]).toEqual([0, false]);
    // They have two seconds, and no answer that a plugin could take for one.
    const said = silent.map((socket) => {
      let bytes = 0;
      socket.on('data', (piece) => (bytes += piece.length));
      return once(socket, 'close').then(() => bytes);
    });
    expect(new Set(await Promise.all(said))).toEqual(new Set([0]));
    expect((await ask(target(client), 'POST', '/v1/cni/add', cniAdd())).status).toBe(200);
    served.destroy();
  });

  test('one address has a quarter of these places: whoever is silent there, others are served', async () => {
    const { folder, authority, port, target } = await serveHttps();
    const client = makeCertificate(folder, 'client', '/CN=node-1', authority);
    const silent = await Promise.all(Array.from({ length: 64 }, () => openFrom('127.0.0.2', port)));
    const late = await openFrom('127.0.0.2', port);
    await once(late.resume(), 'close');
    expect(silent.filter(({ destroyed }) => destroyed)).toEqual([]);
    const other = { ...target(client), localAddress: '127.0.0.3' };
    expect((await ask(other, 'POST', '/v1/cni/add', cniAdd())).status).toBe(200);
    for (const socket of silent) socket.destroy();
  });

  test('renewed files are used for new connections; a set that does not fit is not, and logged', async () => {
    const { folder, authority, own, server, port, log } = await serveHttps();
    const client = makeCertificate(folder, 'client', '/CN=node-1', authority);
    const subject = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port, ca: authority.cert, cert: client.cert, key: client.key }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.on('error', reject);
      });
    expect(await subject()).toBe('controller');
    await server.reloadCertificates();
    expect(log.filter(({ message }) => message.startsWith('certificate'))).toEqual([]);

    const renewed = makeCertificate(folder, 'renewed', '/CN=renewed', authority);
    await copyFile(renewed.certFile, own.certFile);
    await server.reloadCertificates();
    expect(log.at(-1)).toMatchObject({ level: 'error', message: 'certificate not reloaded' });
    expect(log.at(-1)?.fields['detail']).toBe(`the key in ${own.keyFile} does not belong to the certificate in ${own.certFile}`);
    expect(await subject()).toBe('controller');

    await copyFile(renewed.keyFile, own.keyFile);
    await server.reloadCertificates();
    expect(log.at(-1)).toMatchObject({ level: 'info', message: 'certificate reloaded' });
    expect(await subject()).toBe('renewed');

    await writeFile(own.certFile, '');
    await server.reloadCertificates();
    expect(log.at(-1)).toMatchObject({ level: 'error', message: 'certificate not reloaded' });
    expect(await subject()).toBe('renewed');
    expect(JSON.stringify(log)).not.toContain('PRIVATE KEY');
  });

  test('renewed files are noticed without being told', async () => {
    const looks: (() => void)[] = [];
    const after = (ms: number, callback: () => void) =>
      ms === 10_000 ? (looks.push(callback), () => undefined) : timers.after(ms, callback);
    const { folder, authority, own, log } = await serveHttps({ timers: { ...timers, after } });
    const renewed = makeCertificate(folder, 'renewed', '/CN=renewed', authority);
    await copyFile(renewed.certFile, own.certFile);
    await copyFile(renewed.keyFile, own.keyFile);
    looks[0]?.();
    await eventually(() => log.some(({ message }) => message === 'certificate reloaded'), 'the files to be read again');
    expect(looks).toHaveLength(2);
  });
});
