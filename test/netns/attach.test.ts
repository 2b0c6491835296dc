/** Section J of the conformance list: real main plugins delegate to the built plugin, in namespaces of the test's own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Stage } from './stage.ts';
import { addressesIn, MAIN_PLUGINS, ping, resultAddresses, setStage, titled } from './stage.ts';

const KINDS: readonly [type: string, extra: object][] = [
  ['bridge', { bridge: 'br0', isGateway: true }],
  ['ptp', {}],
  ['macvlan', { master: 'uplink', mode: 'bridge' }],
];

describe.each(MAIN_PLUGINS)('$version', (plugins) => {
  describe.skipIf(plugins.missing !== undefined).each(KINDS)(titled('%s', plugins.missing), (type, extra) => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await setStage(plugins);
      for (const container of ['red', 'blue']) await stage.namespaces.add(container);
    });
    afterAll(() => stage.close());

    test('C152 ADD puts the addresses on the interface, the containers reach each other in both families, DEL frees', async () => {
      const config = stage.config(type, extra);
      const given: Record<string, string[]> = {};
      for (const container of ['red', 'blue']) {
        const added = await stage.call('ADD', container, config);
        expect(added, added.stdout).toMatchObject({ code: 0 });
        given[container] = resultAddresses(added.stdout);
        expect(given[container]).toEqual([expect.stringMatching(/^10\.77\.0\.\d+\/24$/), expect.stringMatching(/^fd77::.+\/64$/)]);
        expect(await addressesIn(stage, container)).toEqual(given[container]);
      }
      expect(await stage.held()).toEqual([...given['red']!, ...given['blue']!].map((address) => address.split('/')[0]).toSorted());

      for (const address of given['blue']!) expect(await ping(stage, 'red', address.split('/')[0]!)).toBe('answered');

      for (const container of ['red', 'blue']) {
        // libcni gives prevResult since 0.4.0; macvlan 1.9 and others do not need it, nor do we.
        expect(await stage.call('DEL', container, config)).toMatchObject({ code: 0, stdout: '' });
      }
      expect(await stage.held()).toEqual([]);
      // Nerdctl deletes before every ADD, without a namespace; runtimes delete again and again.
      expect(await stage.call('DEL', 'red', config, { netns: '' })).toMatchObject({ code: 0, stdout: '' });
    });

    test('two interfaces of one container hold two sets of addresses, and go one by one', async () => {
      const config = stage.config(type, extra);
      const first = await stage.call('ADD', 'red', config, { ifName: 'eth0' });
      const second = await stage.call('ADD', 'red', { ...config, name: 'second' }, { ifName: 'net1' });
      // ptp 1.1.1 cannot route one subnet over two interfaces; what it gives back is what we look at then.
      const kept = [first, second].filter((added) => added.code === 0).flatMap((added) => resultAddresses(added.stdout));
      expect(first.code).toBe(0);
      expect(await stage.held()).toEqual(kept.map((address) => address.split('/')[0]).toSorted());
      await stage.call('DEL', 'red', config, { ifName: 'eth0' });
      expect(await stage.held()).toHaveLength(kept.length - 2);
      await stage.call('DEL', 'red', { ...config, name: 'second' }, { ifName: 'net1' });
      expect(await stage.held()).toEqual([]);
    });
  });
});
