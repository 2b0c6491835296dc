/**
 * A node: kubelet, containerd and kube-proxy in network, mount and pid namespaces of their own. /run, /opt, /etc,
 * /var/lib and /var/log are the node's own, so that everything is where it is on a real machine and what is installed
 * with its defaults is tested with them. All processes of a node end with the first of its pid namespace.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { findMainPlugin, MAIN_PLUGINS } from './main-plugins.ts';
import { commandInside, importInside, runInside, tryInside } from './inside.ts';
import { address6Of, addressOf, at, cgroupOf, kubeconfig, namespaceOf, netnsPath, program, readIfThere } from './layout.ts';
import type { NodeName } from './layout.ts';
import { containerdConfig, HOST_LOCAL_LIST, kubeletConfig, networkList, OWN_LIST } from './node-files.ts';
import type { NodeProgram } from './provider.ts';
import { childOf, endDaemon, pidOf, readChildren, startDaemon } from './processes.ts';

const OWN = { '/run': 'run', '/opt': 'opt', '/var/lib': 'lib', '/var/log': 'log' } as const;
const CGROUPS = '/sys/fs/cgroup';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

const folder = (node: NodeName, ...parts: string[]): string => at(node, ...parts);

/** Where a path of the node is on this machine. */
export function pathOn(node: NodeName, path: string): string {
  const [mount, own] = Object.entries(OWN).find(([prefix]) => path.startsWith(`${prefix}/`)) ?? [];
  if (mount === undefined) return path.startsWith('/etc/') ? folder(node, 'etc', path.slice('/etc/'.length)) : path;
  return folder(node, own!, path.slice(mount.length + 1));
}

export function writeNodeFiles(node: NodeName): void {
  for (const own of [...Object.values(OWN), 'etc', 'etc-work']) mkdirSync(folder(node, own), { recursive: true });
  mkdirSync(folder(node, 'run/lock'), { recursive: true });
  mkdirSync(pathOn(node, '/opt/cni/bin'), { recursive: true });
  mkdirSync(pathOn(node, '/etc/cni/net.d'), { recursive: true });
  mkdirSync(pathOn(node, '/etc/containerd'), { recursive: true });
  for (const plugin of MAIN_PLUGINS) cpSync(findMainPlugin(plugin), pathOn(node, `/opt/cni/bin/${plugin}`), { dereference: true });
  writeFileSync(pathOn(node, OWN_LIST), networkList('berth'));
  mkdirSync(dirname(pathOn(node, HOST_LOCAL_LIST)), { recursive: true });
  writeFileSync(pathOn(node, HOST_LOCAL_LIST), networkList('host-local'));
  writeFileSync(pathOn(node, '/etc/containerd/config.toml'), containerdConfig());
  writeFileSync(folder(node, 'kubelet.yaml'), kubeletConfig(node));
  writeFileSync(folder(node, 'boot_id'), `${randomUUID()}\n`);
}

/** Switches the machine on: the first process, the mounts. */
async function boot(node: NodeName): Promise<void> {
  makeCgroups(node);
  const init = ['busybox', 'sh', '-c', 'trap : TERM; while :; do sleep 5 & wait; done'];
  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--propagation', 'private'];
  const pid = startDaemon(`${node}-init`, ['nsenter', `--net=${netnsPath(namespaceOf(node))}`, ...unshare, ...init]);
  await eventually(() => readChildren(pid).some((child) => readIfThere(`/proc/${child}/cmdline`).startsWith('busybox')), 'init');
  const mounts = [
    `mount --bind ${folder(node, 'boot_id')} ${BOOT_ID}`,
    `mount -t overlay overlay -o lowerdir=/etc,upperdir=${folder(node, 'etc')},workdir=${folder(node, 'etc-work')} /etc`,
    ...Object.entries(OWN).map(([mount, own]) => `mount --bind ${folder(node, own)} ${mount}`),
    'mount --make-rshared /',
  ];
  await runInside(await firstProcessOf(node), ['sh', '-ec', mounts.join('\n')]);
}

export async function firstProcessOf(node: string): Promise<number> {
  const pid = pidOf(`${node}-init`);
  if (pid === undefined) throw new Error(`node ${node} is off`);
  return childOf(pid);
}

const PROGRAMS: Readonly<Record<string, (node: NodeName) => string[]>> = {
  containerd: () => [program('containerd'), '--config', '/etc/containerd/config.toml'],
  kubelet: (node) => [
    program('kubelet'),
    `--config=${folder(node, 'kubelet.yaml')}`,
    `--kubeconfig=${kubeconfig(node)}`,
    `--hostname-override=${node}`,
    `--node-ip=${addressOf(node)},${address6Of(node)}`,
  ],
  'kube-proxy': (node) => [
    program('kube-proxy'),
    `--kubeconfig=${kubeconfig('kube-proxy')}`,
    `--hostname-override=${node}`,
    '--proxy-mode=nftables',
    '--cluster-cidr=10.90.0.0/16',
    '--conntrack-max-per-core=0',
  ],
};

export async function startOnNode(node: NodeName, name: NodeProgram | 'kube-proxy'): Promise<void> {
  // containerd's own folder first: Debian has an older shim of the same name.
  const path = [...new Set([dirname(program('containerd-shim-runc-v2')), '/usr/sbin', '/usr/bin', '/sbin', '/bin'])].join(':');
  const join = `for c in ${CGROUPS}/*/${cgroupOf(node)}/system; do echo 0 > $c/cgroup.procs; done; exec "$@"`;
  startDaemon(`${node}-${name}`, [
    'sh',
    '-c',
    join,
    'sh',
    ...commandInside(await firstProcessOf(node), ['env', `PATH=${path}`, ...PROGRAMS[name]!(node)]),
  ]);
  if (name === 'containerd') await whenContainerdAnswers(node);
}

/** A kubelet ends at once where no containerd answers; on a real machine systemd would try again. */
const whenContainerdAnswers = (node: NodeName): Promise<unknown> =>
  eventually(
    async () => (await tryInside(await firstProcessOf(node), [program('ctr'), 'version'])).code === 0,
    `containerd of ${node}`,
    60_000,
  );

export const endOnNode = (node: NodeName, name: NodeProgram): Promise<void> => endDaemon(`${node}-${name}`);

/** On, with its programs running. Images are imported before the kubelet asks for them. */
export async function startNode(node: NodeName, images: readonly string[] = []): Promise<void> {
  await boot(node);
  await startOnNode(node, 'containerd');
  for (const image of images) await importInside(await firstProcessOf(node), program('ctr'), image);
  await startOnNode(node, 'kubelet');
  await startOnNode(node, 'kube-proxy');
}

/** The power goes: everything at once. What is on its disk stays; another start is another boot. */
export async function stopNode(node: NodeName): Promise<void> {
  await endDaemon(`${node}-init`);
  for (const name of Object.keys(PROGRAMS)) await endDaemon(`${node}-${name}`);
  await removeCgroups(node);
  rmSync(folder(node, 'run'), { recursive: true, force: true }); // a tmpfs on a real machine
  mkdirSync(folder(node, 'run/lock'), { recursive: true });
  writeFileSync(folder(node, 'boot_id'), `${randomUUID()}\n`);
}

const controllers = (): string[] => readdirSync(CGROUPS).map((name) => join(CGROUPS, name));

function makeCgroups(node: NodeName): void {
  for (const controller of controllers()) {
    const own = join(controller, cgroupOf(node));
    for (const each of [own, join(own, 'system')]) {
      mkdirSync(each, { recursive: true });
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (existsSync(join(each, file))) writeFileSync(join(each, file), readFileSync(join(dirname(each), file)));
    }
  }
}

/** Ends what is left in them, too. */
export async function removeCgroups(node: NodeName): Promise<void> {
  for (const controller of controllers()) {
    const own = join(controller, cgroupOf(node));
    await eventually(() => removeTree(own), `cgroup ${own} to be empty`).catch(() => undefined);
  }
}

function removeTree(path: string): boolean {
  if (!existsSync(path)) return true;
  for (const pid of readIfThere(join(path, 'cgroup.procs')).split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has gone.
    }
  }
  const inner = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const gone = inner.map((entry) => removeTree(join(path, entry.name))).every(Boolean);
  try {
    if (gone) rmdirSync(path);
    return gone;
  } catch {
    return false;
  }
}
