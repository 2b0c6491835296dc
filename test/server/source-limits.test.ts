/** Places at the https door, by address. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { limitSources } from '../../src/server/source-limits.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { makeFolder } from './serve.ts';

async function open() {
  const folder = await makeFolder();
  const { cert, key } = makeCertificate(folder, 'server', '/CN=controller', makeAuthority(folder, 'authority'));
  const server = createServer({ cert, key }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  limitSources(server, { handshakes: 2, connections: 3 });
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const keep = (socket: Socket): Socket => (sockets.push(socket), socket.on('error', () => undefined));
  /** Whether the handshake comes to its end. */
  const enter = async (localAddress: string): Promise<Socket | undefined> => {
    const socket = keep(connect({ port, host: '127.0.0.1', localAddress, rejectUnauthorized: false } as never));
    return new Promise((resolve) => socket.once('secureConnect', () => resolve(socket)).once('close', () => resolve(undefined)));
  };
  const stand = async (localAddress: string): Promise<Socket> => {
    const socket = keep(connectTcp({ port, host: '127.0.0.1', localAddress }));
    await once(socket, 'connect');
    return socket;
  };
  return { enter, stand };
}

const [ONE, OTHER] = ['127.0.0.2', '127.0.0.3'];

test('who is silent at an address keeps nobody out but those of the same address, and them no longer than it stays', async () => {
  const { enter, stand } = await open();
  const silent = [await stand(ONE), await stand(ONE)];
  expect(await enter(ONE)).toBeUndefined();
  expect(await enter(OTHER)).toBeDefined();
  silent[0]!.destroy();
  await eventually(async () => (await enter(ONE)) !== undefined, 'the place that is free again');
});

test('who has been let in is no handshake any more, and counts until it leaves', async () => {
  const { enter } = await open();
  const inside = [await enter(ONE), await enter(ONE), await enter(ONE)];
  expect(inside).not.toContain(undefined);
  expect(await enter(ONE)).toBeUndefined();
  expect(await enter(OTHER)).toBeDefined();
  inside[1]!.destroy();
  await eventually(async () => (await enter(ONE)) !== undefined, 'the place that is free again');
});
