/** Two installers on one node, as a DaemonSet's update has them, and which of them the node's link leads to in the end. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { install, uninstall } from '../../cmd/berth-install/install.ts';
import { keepOnNode, PATIENCE_MS } from '../../cmd/berth-install/keep.ts';
import { readSettings, type Settings } from '../../cmd/berth-install/settings.ts';

describe('what a pod has put on the node', () => {
  let root: string;
  let earlier: Settings;
  let later: Settings;

  const pod = (uid: string): Settings => {
    const settings = readSettings({
      POD_UID: uid,
      KUBELET_ROOT: join(root, 'kubelet'),
      BERTH_PLUGIN: join(root, `${uid}-berth`),
      BERTH_CNI_BIN: join(root, 'cni'),
      BERTH_RUN: join(root, 'run'),
      BERTH_IDENTITY: join(root, uid),
    });
    for (const folder of [settings.cniBinFolder, settings.identityFolder, settings.identityOnNode]) mkdirSync(folder, { recursive: true });
    for (const folder of [settings.identityFolder, settings.identityOnNode]) writeFileSync(join(folder, 'token'), `token of ${uid}`);
    writeFileSync(settings.plugin, `plugin of ${uid}`);
    return settings;
  };
  const link = (): string => readlinkSync(join(root, 'run/identity'));
  const plugin = (): string => readFileSync(join(root, 'cni/berth'), 'utf8');

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'berth-keep-'));
    [earlier, later] = [pod('earlier'), pod('later')];
    install(earlier);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('stays as it is while the link leads there', () => {
    const keeper = keepOnNode(earlier);
    expect([keeper.look(0), keeper.look(10 * PATIENCE_MS)]).toEqual([false, false]);
    expect(link()).toBe(earlier.identityOnNode);
  });

  test('comes back when the later pod of an update that was rolled back has gone, with the executable of its version', () => {
    const keeper = keepOnNode(earlier);
    install(later);
    rmSync(later.identityOnNode, { recursive: true });
    expect([keeper.look(1000), keeper.look(999 + PATIENCE_MS)]).toEqual([false, false]);
    expect(existsSync(join(root, 'run/identity'))).toBe(false);
    expect(keeper.look(1000 + PATIENCE_MS)).toBe(true);
    expect([link(), plugin()]).toEqual([earlier.identityOnNode, 'plugin of earlier']);
    expect(keeper.look(2000 + PATIENCE_MS)).toBe(false);
  });

  test('comes back at once when that pod took everything away at its end', () => {
    const keeper = keepOnNode(earlier);
    install(later);
    expect(keeper.look(0)).toBe(false);
    expect(uninstall(later)).toBe(true);
    expect(keeper.look(1)).toBe(true);
    expect([link(), plugin()]).toEqual([earlier.identityOnNode, 'plugin of earlier']);
    rmSync(join(root, 'cni/berth'));
    expect([keeper.look(2), plugin()]).toEqual([true, 'plugin of earlier']);
  });

  test('is given back at its end to a later pod that was only slow; removing leaves that one alone', () => {
    const keeper = keepOnNode(earlier);
    install(later);
    keeper.look(0);
    expect(keeper.look(PATIENCE_MS)).toBe(true);
    keeper.handBack();
    expect(link()).toBe(later.identityOnNode);
    expect([uninstall(earlier), existsSync(join(root, 'cni/berth'))]).toEqual([false, true]);
    // Whose own patience then starts.
    expect(keepOnNode(later).look(0)).toBe(false);
  });

  test('is nobody’s to give back when a later pod has taken it meanwhile, or when it never was another’s', () => {
    const keeper = keepOnNode(earlier);
    keeper.handBack();
    expect(link()).toBe(earlier.identityOnNode);
    install(later);
    keeper.look(0);
    keeper.look(PATIENCE_MS);
    const latest = pod('latest');
    install(latest);
    keeper.handBack();
    expect(link()).toBe(latest.identityOnNode);
  });

  test('waits anew for each pod that takes the link', () => {
    const keeper = keepOnNode(earlier);
    install(later);
    keeper.look(0);
    install(pod('latest'));
    expect([keeper.look(PATIENCE_MS), keeper.look(2 * PATIENCE_MS - 1), keeper.look(2 * PATIENCE_MS)]).toEqual([false, false, true]);
  });
});
