/**
 * What a test in network namespaces plays on: a namespace that is the node, containers, the built controller on an
 * embedded store, and main plugins that delegate to the built plugin (dist/berth).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ControllerProcess } from '../../cmd/dev/controller-process.ts';
import { startController } from '../../cmd/dev/controller-process.ts';
import type { Finished } from '../../cmd/dev/execute.ts';
import type { MainPluginCall } from '../../cmd/dev/main-plugins.ts';
import { callMainPlugin, findMainPlugins, HOW_TO_INSTALL, isExecutable } from '../../cmd/dev/main-plugins.ts';
import { Namespaces, sweepNamespaces, whyNoNamespaces } from '../../cmd/dev/namespaces.ts';
import type { AddressBinding, List, Stats } from '../../src/protocol.ts';

export const BERTH = resolve('dist/berth');

export interface MainPlugins {
  readonly version: string;
  readonly folder: string;
  /** The newest CNI version these plugins speak. */
  readonly cniVersion: string;
  /** Why they cannot be used here. */
  readonly missing: string | undefined;
}

const noNamespaces = await whyNoNamespaces();
const debian = findMainPlugins() ?? '/usr/lib/cni';
const newer = process.env['BERTH_CNI_1_1'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'berth', 'cni-1.9.1');

export const MAIN_PLUGINS: readonly MainPlugins[] = [
  { version: '1.1.1', folder: debian, cniVersion: '1.0.0', missing: noNamespaces ?? whyMissing(debian, HOW_TO_INSTALL) },
  { version: '1.9.1', folder: newer, cniVersion: '1.1.0', missing: noNamespaces ?? whyMissing(newer, '.ci/run builds them') },
];

/** For describe: the title, with the reason in it when the suite is skipped. */
export function titled(title: string, missing: string | undefined): string {
  return missing === undefined ? title : `${title} (not run: ${missing})`;
}

function whyMissing(folder: string, how: string): string | undefined {
  return isExecutable(join(folder, 'bridge')) ? undefined : `no main plugins in ${folder}: ${how}`;
}

export interface Stage {
  readonly namespaces: Namespaces;
  readonly controller: ControllerProcess;
  readonly folder: string;
  readonly plugins: MainPlugins;
  /** A main plugin's configuration with `ipam.type: berth`. */
  config(type: string, extra?: object, ipam?: object): { readonly name: string; readonly type: string; readonly [key: string]: unknown };
  /** Calls the main plugin of the configuration in the node's namespace; netns is the container's unless given. */
  call(
    verb: MainPluginCall['verb'],
    container: string,
    config: { readonly type: string; readonly [key: string]: unknown },
    more?: Partial<MainPluginCall>,
  ): Promise<Finished>;
  /** Addresses held now. */
  held(): Promise<string[]>;
  /** Addresses not held, over all pools. */
  free(): Promise<bigint>;
  close(): Promise<void>;
}

export const POOLS: readonly object[] = [
  pool('four', { ranges: [{ cidr: '10.77.0.0/24' }], gateway: '10.77.0.1', routes: [{ dst: '0.0.0.0/0' }], default: true }),
  pool('six', { ranges: [{ cidr: 'fd77::/64' }], gateway: 'fd77::1', routes: [{ dst: '::/0' }], default: true }),
];

export function pool(name: string, spec: object): object {
  return { apiVersion: 'berth-ipam.dev/v1alpha1', kind: 'AddressPool', metadata: { name }, spec };
}

export async function setStage(plugins: MainPlugins, pools: readonly object[] = POOLS): Promise<Stage> {
  if (!existsSync(BERTH)) throw new Error('dist/berth is not there: npm run build');
  const prefix = 'berth-netns';
  await sweepNamespaces(prefix);
  const folder = mkdtempSync(join(tmpdir(), 'berth-netns-'));
  const namespaces = new Namespaces(prefix);
  const controller = await prepare(namespaces, folder, pools).catch(async (error: unknown) => {
    await namespaces.removeAll();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });

  const bindings = async () => (JSON.parse((await controller.ask('/v1/bindings?state=bound')).body) as List<AddressBinding>).items;
  const stats = async () => (JSON.parse((await controller.ask('/v1/stats')).body) as Stats).pools;
  return {
    namespaces,
    controller,
    folder,
    plugins,
    config: (type, extra = {}, ipam = {}) => ({
      cniVersion: plugins.cniVersion,
      name: `net-${type}`,
      type,
      ...extra,
      ipam: {
        type: 'berth',
        controller: `unix://${controller.socket}`,
        spoolDir: join(folder, 'spool'),
        logFile: join(folder, 'berth.log'),
        ...ipam,
      },
    }),
    call: (verb, container, config, more = {}) =>
      callMainPlugin(namespaces, 'node', {
        verb,
        plugin: join(plugins.folder, config.type),
        cniPath: [resolve('dist'), plugins.folder],
        config,
        containerId: `id-${container}`,
        netns: namespaces.pathOf(container),
        ifName: 'eth0',
        ...more,
      }),
    held: async () => (await bindings()).map((binding) => binding.spec.address).toSorted(),
    free: async () => (await stats()).reduce((sum, entry) => sum + BigInt(entry.total) - BigInt(entry.allocated), 0n),
    close: async () => {
      await namespaces.removeAll();
      await controller.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function prepare(namespaces: Namespaces, folder: string, pools: readonly object[]): Promise<ControllerProcess> {
  await namespaces.add('node');
  // A link to nowhere, for macvlan to sit on; `dummy` is not in every kernel.
  await namespaces.ip('node', 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'nowhere');
  for (const link of ['uplink', 'nowhere']) await namespaces.ip('node', 'link', 'set', link, 'up');
  return startController(folder, pools);
}

/** Pings until an answer comes: an IPv6 address is tentative for a second or two after it was set. */
export async function ping(stage: Stage, from: string, to: string): Promise<string> {
  let last = '';
  for (let attempt = 0; attempt < 10; attempt++) {
    const { code, stdout, stderr } = await stage.namespaces.run(from, 'ping', [to.includes(':') ? '-6' : '-4', '-c', '1', '-W', '1', to]);
    if (code === 0) return 'answered';
    last = `${stdout}${stderr}`;
  }
  return `no answer from ${to}: ${last}`;
}

/** The addresses that the kernel shows on the container's interface, without link-local ones: "10.77.0.5/24". */
export async function addressesIn(stage: Stage, container: string, ifName = 'eth0'): Promise<string[]> {
  const links = JSON.parse(await stage.namespaces.ip(container, '-json', 'address', 'show', 'dev', ifName)) as {
    addr_info: { local: string; prefixlen: number; scope: string }[];
  }[];
  return links
    .flatMap((link) => link.addr_info.filter((info) => info.scope === 'global').map((info) => `${info.local}/${info.prefixlen}`))
    .toSorted();
}

export function resultAddresses(stdout: string): string[] {
  return (JSON.parse(stdout) as { ips: { address: string }[] }).ips.map((entry) => entry.address).toSorted();
}
