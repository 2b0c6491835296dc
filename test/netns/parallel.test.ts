/** Many attachments at once through a real main plugin, and main plugins that are killed half-way. */
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cniEnvironment } from '../../cmd/dev/main-plugins.ts';
import { eventually } from '../support/eventually.ts';
import type { Stage } from './stage.ts';
import { MAIN_PLUGINS, pool, resultAddresses, setStage, titled } from './stage.ts';

// Without routes: interfaces of one namespace cannot all have the default route.
const PLAIN = [pool('plain', { ranges: [{ cidr: '10.80.0.0/24' }], gateway: '10.80.0.1', default: true })];
const MANY = 40;

describe.each(MAIN_PLUGINS)('$version', (plugins) => {
  describe.skipIf(plugins.missing !== undefined)(titled('many at once', plugins.missing), () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await setStage(plugins, PLAIN);
      await stage.namespaces.add('red');
    });
    afterAll(() => stage.close());

    test(`${MANY} containers at once get ${MANY} addresses, and give them back at once`, { timeout: 120_000 }, async () => {
      const config = stage.config('bridge', { bridge: 'br0' });
      // One namespace for all: what is tried is who gets which address.
      const all = (verb: 'ADD' | 'DEL') =>
        Promise.all(
          Array.from({ length: MANY }, (_, index) =>
            stage.call(verb, 'red', config, { containerId: `many-${index}`, ifName: `e${index}` }),
          ),
        );
      const added = await all('ADD');
      for (const { code, stdout } of added) expect(code, stdout).toBe(0);
      const given = added.flatMap(({ stdout }) => resultAddresses(stdout).map((address) => address.split('/')[0]!));
      expect(new Set(given).size).toBe(MANY);
      expect(await stage.held()).toEqual(given.toSorted());
      for (const { code, stdout } of await all('DEL')) expect([code, stdout]).toEqual([0, '']);
      expect(await stage.held()).toEqual([]);
    });

    test('a main plugin that is killed in its ADD, at whatever moment: after the DEL nothing is held', { timeout: 120_000 }, async () => {
      const config = stage.config('bridge', { bridge: 'br0' });
      let killed = 0;
      for (let round = 0; round < 20; round += 1) {
        const [containerId, ifName] = [`killed-${round}`, 'eth0'];
        const call = { containerId, ifName, netns: stage.namespaces.pathOf('red'), cniPath: [resolve('dist'), plugins.folder] };
        const env = cniEnvironment({ verb: 'ADD', ...call });
        // Only the main plugin is hit, as by a runtime whose patience ends: our process lives on as an orphan.
        const added = await stage.namespaces.run('node', join(plugins.folder, 'bridge'), [], {
          ...{ env, input: JSON.stringify(config), deadlineSeconds: (2 + round * 4) / 1000 },
        });
        if (added.code === null) killed += 1;
        expect(await stage.call('DEL', 'red', config, call)).toMatchObject({ code: 0, stdout: '' });
      }
      expect(killed).toBeGreaterThan(0);
      await eventually(async () => (await stage.held()).length === 0, 'what killed main plugins asked for to be free');
      const again = await stage.call('ADD', 'red', config, { containerId: 'killed-0', ifName: 'eth0' });
      expect(again, again.stdout).toMatchObject({ code: 0 });
      expect(await stage.call('DEL', 'red', config, { containerId: 'killed-0', ifName: 'eth0' })).toMatchObject({ code: 0 });
    });
  });
});
