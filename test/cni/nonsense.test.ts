/** What is answered by nonsense of a real socket: both hosts must come to the same, within bounds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildHosts, callPlugin } from '../support/plugin.ts';

/** What the server does with each connection. */
const BEHAVIOURS: Readonly<Record<string, (socket: Socket) => void>> = {
  'closes at once': (socket) => socket.destroy(),
  'closes after the request': (socket) => socket.once('data', () => socket.end()),
  'answers garbage': (socket) => socket.once('data', () => socket.end(Buffer.from([0, 255, 254, 13, 10, 13, 10, 1]))),
  'answers half': (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"addresses":[')),
  'answers before the request': (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"addresses":[],"routes":[]}'),
  'never stops': (socket) => {
    const more = (): void => {
      while (socket.writable && socket.write('x'.repeat(65_536)));
    };
    socket.once('data', more).on('drain', more);
  },
};

for (const [index, host] of buildHosts().entries()) {
  describe.skipIf(index === 0 && !host.native)(`a controller that …, ${host.name}`, () => {
    let folder: string;
    beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'berth-nonsense-'))));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test.concurrent.each(Object.keys(BEHAVIOURS))('%s: error 11 for an ADD, the spool for a DEL', async (name) => {
      const socket = join(folder, `${name.replaceAll(' ', '-')}.sock`);
      const sockets = new Set<Socket>();
      const server = createServer((one) => {
        sockets.add(one.on('error', () => undefined));
        BEHAVIOURS[name]?.(one);
      });
      await new Promise<void>((resolve) => server.listen(socket, resolve));
      const ipam = { type: 'berth', controller: `unix://${socket}`, spoolDir: `${folder}/spool`, logFile: `${folder}/berth.log` };
      const call = (verb: string) => {
        const env = { CNI_COMMAND: verb, CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/t', CNI_IFNAME: 'eth0' };
        return callPlugin(host.path, env, JSON.stringify({ cniVersion: '1.0.0', name: 'n1', ipam }));
      };
      const [add, del] = [await call('ADD'), await call('DEL')];
      expect([add.code, JSON.parse(add.stdout)]).toMatchObject([1, { code: 11 }]);
      expect(add.milliseconds).toBeLessThan(20_000);
      expect([del.code, del.stdout]).toEqual([0, '']);
      for (const one of sockets) one.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
  });
}
