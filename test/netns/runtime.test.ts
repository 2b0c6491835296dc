/** libcni itself, through cnitool: chained plugins, its cache of results, CHECK, STATUS and GC. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findMainPlugins, isExecutable } from '../../cmd/dev/main-plugins.ts';
import type { Stage } from './stage.ts';
import { addressesIn, MAIN_PLUGINS, resultAddresses, setStage, titled } from './stage.ts';

const newest = MAIN_PLUGINS.at(-1)!;
const cnitool = join(newest.folder, 'cnitool');
const missing = newest.missing ?? (isExecutable(cnitool) ? undefined : `no cnitool in ${newest.folder}: .ci/run builds it`);

describe.skipIf(missing !== undefined).each(['1.0.0', '1.1.0'])(titled('libcni, CNI %s', missing), (cniVersion) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage(newest);
    await stage.namespaces.add('red');
    mkdirSync(join(stage.folder, 'net.d'));
    mkdirSync(join(stage.folder, 'lib'));
    const { name, cniVersion: _, ...bridge } = stage.config('bridge', { bridge: 'br0', isGateway: true });
    const chained =
      isExecutable(join(findMainPlugins('tuning') ?? '', 'tuning')) && cniVersion === '1.0.0' ? [{ type: 'tuning', sysctl: {} }] : [];
    writeFileSync(join(stage.folder, 'net.d', '10-net.conflist'), JSON.stringify({ cniVersion, name, plugins: [bridge, ...chained] }));
  });
  afterAll(() => stage.close());

  /** libcni keeps results in /var/lib/cni; a mount of the test's own is put over it. */
  const tool = (verb: string) => {
    const folders = [resolve('dist'), newest.folder, findMainPlugins('tuning') ?? ''].filter((folder) => folder !== '');
    const script = 'mount --bind "$1" /var/lib && shift && exec "$@"';
    return stage.namespaces.run(
      'node',
      'unshare',
      ['--mount', 'sh', '-c', script, 'sh', join(stage.folder, 'lib'), cnitool, verb, 'net-bridge', stage.namespaces.pathOf('red')],
      {
        env: { PATH: process.env['PATH'], NETCONFPATH: join(stage.folder, 'net.d'), CNI_PATH: folders.join(':'), CNI_IFNAME: 'eth0' },
      },
    );
  };

  test('C157 cnitool add, check, del', async () => {
    const added = await tool('add');
    expect(added, added.stdout + added.stderr).toMatchObject({ code: 0 });
    expect(await addressesIn(stage, 'red')).toEqual(resultAddresses(added.stdout));
    expect(await stage.held()).toHaveLength(2);
    const checked = await tool('check');
    expect(checked, checked.stdout + checked.stderr).toMatchObject({ code: 0 });
    const deleted = await tool('del');
    expect(deleted, deleted.stdout + deleted.stderr).toMatchObject({ code: 0 });
    expect(await stage.held()).toEqual([]);
    const again = await tool('del');
    expect(again, again.stdout + again.stderr).toMatchObject({ code: 0 });
  });

  test('CHECK fails once the records are gone', async () => {
    expect(await tool('add')).toMatchObject({ code: 0 });
    for (const address of await stage.held()) expect(await stage.controller.ask('/v1/release', { address })).toMatchObject({ status: 200 });
    const checked = await tool('check');
    expect(checked.code).not.toBe(0);
    expect(await tool('del')).toMatchObject({ code: 0 });
    expect(await stage.held()).toEqual([]);
  });

  if (cniVersion !== '1.1.0') return; // what follows came with 1.1.0

  test('STATUS passes through the bridge to us, and asks nobody else', async () => {
    const status = await tool('status');
    expect(status, status.stdout + status.stderr).toMatchObject({ code: 0 });
  });

  test('GC of libcni deletes every attachment of its cache', async () => {
    expect(await tool('add')).toMatchObject({ code: 0 });
    expect(await stage.held()).toHaveLength(2);
    const collected = await tool('gc');
    expect(collected, collected.stdout + collected.stderr).toMatchObject({ code: 0 });
    expect(await stage.held()).toEqual([]);
  });
});
