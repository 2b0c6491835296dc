/** https outside a cluster: the controller's own listener, and a node that is who its certificate says. Each host. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { done } from '../../src/core/refusal.ts';
import { SERVER_NAME } from '../../src/protocol.ts';
import { serve } from '../server/serve.ts';
import { makeAuthority, makeCertificate, type Pair } from '../support/certificates.ts';
import { buildHosts, callPlugin, type Said } from '../support/plugin.ts';
import { stubOperations } from '../support/stub-operations.ts';

const ADDRESS = { address: '10.9.0.5/24', family: 'IPv4', pool: 'p' } as const;

for (const [index, host] of buildHosts().entries()) {
  describe.skipIf(index === 0 && !host.native)(`a node with a certificate, ${host.name}`, () => {
    async function world() {
      const nodes: string[] = [];
      const served = await serve(
        stubOperations({
          add: async ({ node }) => (nodes.push(node), done({ addresses: [ADDRESS], routes: [] })),
          del: async ({ node }) => (nodes.push(node), done([])),
        }),
      );
      const { folder } = served;
      const authority = makeAuthority(folder, 'authority');
      const own = makeCertificate(folder, 'server', '/CN=controller', authority, 2, `DNS:${SERVER_NAME}`);
      const tls = { cert: own.certFile, key: own.keyFile, clientCa: authority.certFile };
      const address = await served.server.listen({ kind: 'https', host: '127.0.0.1', port: 0 }, { socketMode: 0o600, tls });
      const port = address.kind === 'https' ? address.port : 0;
      const make = (name: string, by: Pair): Pair => makeCertificate(folder, name, `/CN=${name}`, by);
      const [spoolDir, logFile] = [join(folder, 'spool'), join(folder, 'berth.log')];
      mkdirSync(spoolDir);

      async function call(verb: string, files: Readonly<Record<string, string>>): Promise<Said> {
        const identityDir = mkdtempSync(join(folder, 'identity-'));
        const all = { 'ca.crt': authority.cert, endpoints: `https://127.0.0.1:${port}\n`, ...files };
        for (const [name, text] of Object.entries(all)) writeFileSync(join(identityDir, name), text);
        const env = { CNI_COMMAND: verb, CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/t', CNI_IFNAME: 'eth0' };
        const ipam = { type: 'berth', identityDir, spoolDir, logFile };
        return callPlugin(host.path, env, JSON.stringify({ cniVersion: '1.1.0', name: 'n1', ipam }));
      }
      return { call, make, authority, nodes, folder, spoolDir, logFile };
    }

    test('gets its addresses, and gives them back, under its own name; its key is in nothing the plugin writes', async () => {
      const { call, make, authority, nodes, logFile } = await world();
      const node = make('node-7', authority);
      const files = { 'tls.crt': node.cert, 'tls.key': node.key };
      const said = [await call('ADD', files), await call('DEL', files), await call('STATUS', files)];
      expect(said.map(({ code }) => code)).toEqual([0, 0, 0]);
      expect(JSON.parse(said[0]!.stdout)).toMatchObject({ ips: [{ address: ADDRESS.address }] });
      expect(nodes).toEqual(['node-7', 'node-7']);
      const secret = node.key.split('\n')[1]!;
      for (const text of [...said.map(({ stdout, stderr }) => stdout + stderr), readFileSync(logFile, 'utf8')])
        expect(text).not.toContain(secret);
    });

    test.each<[string, (make: (name: string, by: Pair) => Pair, authority: Pair, folder: string) => Readonly<Record<string, string>>]>([
      [
        'whose certificate another authority signed',
        (make, _authority, folder) => {
          const { cert, key } = make('node-8', makeAuthority(folder, 'others'));
          return { 'tls.crt': cert, 'tls.key': key };
        },
      ],
      [
        'whose key is not its certificate’s: one was written a moment before the other',
        (make, authority) => ({ 'tls.crt': make('node-7', authority).cert, 'tls.key': make('node-9', authority).key }),
      ],
      ['whose certificate has no key yet', (make, authority) => ({ 'tls.crt': make('node-7', authority).cert })],
      [
        'whose key is half written',
        (make, authority) => {
          const { cert, key } = make('node-7', authority);
          return { 'tls.crt': cert, 'tls.key': key.slice(0, 60) };
        },
      ],
    ])('one %s: error 11, and a DEL is kept for later', async (_name, files) => {
      const { call, make, authority, nodes, folder, spoolDir } = await world();
      const given = files(make, authority, folder);
      const add = await call('ADD', given);
      expect([add.code, JSON.parse(add.stdout)]).toMatchObject([1, { code: 11 }]);
      for (const name of readdirSync(spoolDir)) rmSync(join(spoolDir, name));
      expect((await call('DEL', given)).code).toBe(0);
      expect(readdirSync(spoolDir)).toHaveLength(1);
      expect(nodes).toEqual([]);
    });
  });
}
