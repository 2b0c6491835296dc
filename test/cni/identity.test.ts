/** https: the token, the CA, the endpoints, and that the token is in nothing the plugin writes. Each host, real TLS on loopback. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAuthority, makeCertificate, type Pair } from '../support/certificates.ts';
import { buildHosts, callPlugin, type Said } from '../support/plugin.ts';
import { type PretendedController, startPretendedController, usual } from '../support/pretended-controller.ts';

const TOKEN = 'planted-TOKEN-8f1c0d2e';
const NAME = 'DNS:berth-controller.berth.svc';

const listenSilently = async (): Promise<{ readonly server: Server; readonly port: number }> => {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
};

for (const [index, host] of buildHosts().entries()) {
  describe.skipIf(index === 0 && !host.native)(`identity, ${host.name}`, () => {
    let [folder, identityDir]: string[] = [];
    let authority: Pair;
    let controller: PretendedController;
    const outputs: string[] = [];

    const serverCertificate = (name: string, names = NAME, days = 2, by = authority): Pair =>
      makeCertificate(folder ?? '', name, `/CN=${name}`, by, days, names);
    const identity = (files: Readonly<Record<string, string>>): string => {
      const directory = mkdtempSync(join(folder ?? '', 'identity-'));
      for (const [name, text] of Object.entries({ token: `${TOKEN}\n`, 'ca.crt': authority.cert, ...files }))
        writeFileSync(join(directory, name), text);
      return directory;
    };

    async function call(verb: string, ipam: object): Promise<Said> {
      const env = { CNI_COMMAND: verb, CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/t', CNI_IFNAME: 'eth0' };
      const full = { type: 'berth', spoolDir: `${folder}/spool`, logFile: `${folder}/log/berth.log`, ...ipam };
      const said = await callPlugin(host.path, env, JSON.stringify({ cniVersion: '1.1.0', name: 'n1', ipam: full }));
      outputs.push(said.stdout, said.stderr);
      return said;
    }
    const errorOf = (said: Said): string => {
      expect(said.code, said.stdout).toBe(1);
      const { code, msg, details } = JSON.parse(said.stdout) as { code: number; msg: string; details: string };
      return `${code} ${msg} ${details}`;
    };

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'berth-identity-'));
      mkdirSync(join(folder, 'log'));
      authority = makeAuthority(folder, 'authority');
      controller = await startPretendedController({ tls: serverCertificate('server') });
      identityDir = identity({ endpoints: `https://127.0.0.1:${controller.port}\n` });
    });
    afterAll(async () => {
      await controller.close();
      rmSync(folder ?? '', { recursive: true, force: true });
    });

    test('the identity alone leads to the controller: endpoints, CA and token', async () => {
      expect((await call('ADD', { identityDir })).code).toBe(0);
      expect(controller.asked.at(-1)?.headers['authorization']).toBe(`Bearer ${TOKEN}`);
      expect((await call('STATUS', { identityDir })).code).toBe(0);
    });

    test('a configured controller goes before the endpoints; IPv4 and IPv6 addresses only', async () => {
      const elsewhere = identity({ endpoints: 'https://127.0.0.1:1\n' });
      expect((await call('ADD', { identityDir: elsewhere, controller: `https://127.0.0.1:${controller.port}` })).code).toBe(0);
      expect(errorOf(await call('ADD', { identityDir: elsewhere, controller: 'https://[::1]:1' }))).toMatch(/^11 /);
    });

    test('endpoints are tried in order; one that is dead, and one that accepts and is silent, cost a second at most', async () => {
      const silent = await listenSilently();
      const endpoints = [1, silent.port, controller.port].map((port) => `https://127.0.0.1:${port}`).join('\n');
      const before = controller.asked.length;
      expect((await call('ADD', { identityDir: identity({ endpoints: `nonsense\n\n${endpoints}\n` }) })).code).toBe(0);
      expect(controller.asked.slice(before)).toHaveLength(1);
      expect(controller.asked.at(-1)?.body['stamp']).toMatchObject({ attempt: 1 });
      silent.server.close();
    });

    // These wait for the plugin to give up, so they wait together.
    test.concurrent.each([
      ['another CA', () => serverCertificate('foreign', NAME, 2, makeAuthority(folder ?? '', 'foreign-authority'))],
      ['another name', () => serverCertificate('misnamed', 'DNS:elsewhere.svc,IP:127.0.0.1')],
      ['an expired certificate', () => serverCertificate('expired', NAME, -1)],
    ])('%s: error 11, and the token is not sent', async (_name, certificate) => {
      const impostor = await startPretendedController({ tls: certificate() });
      const said = await call('ADD', { identityDir, controller: `https://127.0.0.1:${impostor.port}` });
      expect(errorOf(said)).toMatch(/^11 .*out of reach/);
      expect(impostor.asked).toEqual([]);
      await impostor.close();
    });

    test.concurrent.each([
      ['token', ''],
      ['token', 'two words'],
      ['token', 'x\r\nX-Injected: 1'],
      ['ca.crt', ''],
      ['ca.crt', 'not a certificate'],
    ])('an identity whose %s is %j: error 11; a DEL is spooled', async (name, text) => {
      const broken = identity({ endpoints: `https://127.0.0.1:${controller.port}\n`, [name]: text });
      const before = controller.asked.length;
      expect(errorOf(await call('ADD', { identityDir: broken }))).toMatch(/^11 /);
      const spoolDir = mkdtempSync(join(folder ?? '', 'spool-'));
      expect((await call('DEL', { identityDir: broken, spoolDir })).code).toBe(0);
      expect(readdirSync(spoolDir)).toHaveLength(1);
      expect(controller.asked.slice(before)).toEqual([]);
    });

    test('a token that is refused is read anew: the kubelet may just have rotated it', async () => {
      controller.replies = [
        () => {
          writeFileSync(join(rotating, 'token'), 'the-next-token');
          return { status: 401, body: {} };
        },
        usual,
      ];
      const rotating = identity({ endpoints: `https://127.0.0.1:${controller.port}\n` });
      expect((await call('ADD', { identityDir: rotating })).code).toBe(0);
      expect(controller.asked.at(-1)?.headers['authorization']).toBe('Bearer the-next-token');
    });

    test('the token is in no output, log or spool entry, not even when the controller says it', async () => {
      controller.replies = [
        ({ headers }) => ({
          status: 409,
          body: { status: 409, code: 11, reason: 'PoolFull', detail: `you sent ${headers['authorization']}` },
        }),
      ];
      expect(errorOf(await call('ADD', { identityDir }))).toContain('you sent Bearer [token]');
      controller.replies = [usual];
      const written = readdirSync(folder ?? '', { recursive: true, encoding: 'utf8' })
        .filter((name) => !/identity-.*token$/.test(name))
        .map((name) => join(folder ?? '', name))
        .filter((path) => statSync(path).isFile())
        .map((path) => readFileSync(path, 'utf8'));
      expect(written.some((text) => text.includes('call served'))).toBe(true);
      for (const text of [...outputs, ...written]) expect(text).not.toContain(TOKEN);
    });
  });
}
