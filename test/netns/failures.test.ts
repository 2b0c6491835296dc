/** What main plugins do when something fails, and that no address stays behind for it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execute } from '../../cmd/dev/execute.ts';
import { cniEnvironment } from '../../cmd/dev/main-plugins.ts';
import type { Stage } from './stage.ts';
import { BERTH, MAIN_PLUGINS, pool, POOLS, resultAddresses, setStage, titled } from './stage.ts';

const MORE_POOLS = [
  ...POOLS,
  pool('tiny', { ranges: [{ first: '10.78.0.2', last: '10.78.0.2' }], subnet: '10.78.0.0/29', gateway: '10.78.0.1' }),
  pool('broken-route', { ranges: [{ cidr: '10.79.0.0/24' }], gateway: '10.79.0.1', routes: [{ dst: '10.99.0.0/16', gw: '192.0.2.1' }] }),
];

describe.each(MAIN_PLUGINS)('$version', (plugins) => {
  describe.skipIf(plugins.missing !== undefined)(titled('failures', plugins.missing), () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await setStage(plugins, MORE_POOLS);
      for (const container of ['red', 'blue', 'green', 'grey']) await stage.namespaces.add(container);
    });
    afterAll(() => stage.close());
    const bridge = (pools: readonly string[]) => stage.config('bridge', { bridge: 'br0' }, { pools });

    test('C153 (shown) a refusal passes through the bridge with its code and text', async () => {
      const config = bridge(['tiny']);
      expect(await stage.call('ADD', 'red', config)).toMatchObject({ code: 0 });
      const refused = await stage.call('ADD', 'blue', config);
      console.log(`bridge ${plugins.version}, full pool: ${refused.stdout.trim()}`);
      expect(refused.code).not.toBe(0);
      expect(JSON.parse(refused.stdout)).toMatchObject({ code: 11, msg: expect.stringMatching(/\S/) });
      expect(await stage.held()).toEqual(['10.78.0.2']);
      expect(await stage.call('DEL', 'blue', config)).toMatchObject({ code: 0 });
      expect(await stage.held()).toEqual(['10.78.0.2']);
      expect(await stage.call('DEL', 'red', config)).toMatchObject({ code: 0 });
      expect(await stage.held()).toEqual([]);
    });

    test('C154 the bridge fails after us and takes our address back with a DEL', async () => {
      const failed = await stage.call('ADD', 'red', bridge(['broken-route']));
      expect(failed.code).not.toBe(0);
      expect(failed.stdout).toMatch(/unreachable/);
      expect(await stage.held()).toEqual([]);
    });

    test('C155 (shown) host-device does not call us on DEL without a namespace; the record waits for a DEL that does', async () => {
      await stage.namespaces.ip('node', 'link', 'add', 'dev0', 'type', 'veth', 'peer', 'name', 'dev1');
      await stage.namespaces.ip('node', 'link', 'set', 'dev1', 'up'); // a link without carrier delays IPv6 by seconds
      const config = stage.config('host-device', { device: 'dev0' });
      const added = await stage.call('ADD', 'green', config);
      expect(added, added.stdout).toMatchObject({ code: 0 });
      const given = resultAddresses(added.stdout);
      const deleted = await stage.call('DEL', 'green', config, { netns: '' });
      const held = await stage.held();
      console.log(
        `host-device ${plugins.version}, DEL without a namespace: exit ${deleted.code}, still held: ${held.join(' ') || 'nothing'}`,
      );
      expect(given).toHaveLength(2);
      await deleteDirectly('green', config);
      expect(await stage.held()).toEqual([]);
      await stage.namespaces.ip('node', 'link', 'delete', 'dev1');
    });

    test('C156 (shown) macvlan whose master is gone may not call us on DEL; the record waits for a DEL that does', async () => {
      await stage.namespaces.ip('node', 'link', 'add', 'mac0', 'type', 'veth', 'peer', 'name', 'mac1');
      for (const link of ['mac0', 'mac1']) await stage.namespaces.ip('node', 'link', 'set', link, 'up');
      const config = stage.config('macvlan', { master: 'mac0' });
      const added = await stage.call('ADD', 'grey', config);
      expect(added, added.stdout).toMatchObject({ code: 0 });
      await stage.namespaces.ip('node', 'link', 'delete', 'mac0');
      const deleted = await stage.call('DEL', 'grey', config);
      const held = await stage.held();
      console.log(`macvlan ${plugins.version}, DEL without its master: exit ${deleted.code}, still held: ${held.join(' ') || 'nothing'}`);
      await deleteDirectly('grey', config);
      expect(await stage.held()).toEqual([]);
    });

    test('the bridge cannot finish while the controller is away: code 11, and nothing is held when it is back', async () => {
      const away = stage.config('bridge', { bridge: 'br0' }, { controller: `unix://${stage.folder}/nobody.sock` });
      const failed = await stage.call('ADD', 'blue', away);
      expect(failed.code).not.toBe(0);
      expect(JSON.parse(failed.stdout)).toMatchObject({ code: 11 });
      // The runtime's DEL goes to the spool and succeeds; it is not held up by the outage.
      expect(await stage.call('DEL', 'blue', away)).toMatchObject({ code: 0, stdout: '' });
      expect(await stage.held()).toEqual([]);
    });
  });
});

/** What the collector or an operator does in the end; here by calling the IPAM plugin itself. */
async function deleteDirectly(container: string, config: object): Promise<void> {
  const env = cniEnvironment({ verb: 'DEL', containerId: `id-${container}`, ifName: 'eth0', cniPath: [] });
  expect(await execute(BERTH, [], { env, input: JSON.stringify(config) })).toMatchObject({ code: 0, stdout: '' });
}
