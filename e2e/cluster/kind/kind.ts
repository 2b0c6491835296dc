/** A cluster of kind: a control plane and two nodes, each a container with systemd; Linux and root, as its nodes are entered as processes. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { must, type ExecuteOptions } from '../../../cmd/dev/execute.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { importInside, installInside, runInside, tryInside, writeInside } from '../inside.ts';
import { kubectl, mustKubectl } from '../kubectl.ts';
import { at, FOLDER, kubeconfig, NAME, NODES, program } from '../layout.ts';
import { findMainPlugin, MAIN_PLUGINS } from '../main-plugins.ts';
import { HOST_LOCAL_LIST, networkList, OWN_LIST } from '../node-files.ts';

import type { Log, Provider } from '../provider.ts';
import { BOOT_ID_TEXT, BOOT_ID_UNIT, CONTROL_PLANE_MACHINE, containerOf, kindConfig, nodeImage } from './config.ts';
import { ENGINE, engine, inspect } from './engine.ts';
import { addNetworks, bridge, keepAddresses, removeNetworks, setUplink } from './network.ts';

const MACHINES = [CONTROL_PLANE_MACHINE, ...NODES] as const;

const kindCommand = (args: readonly string[], options: ExecuteOptions = {}): Promise<string> =>
  must(program('kind'), [...args, `--name=${NAME}`], {
    ...options,
    env: { ...process.env, KIND_EXPERIMENTAL_PROVIDER: ENGINE, KIND_EXPERIMENTAL_DOCKER_NETWORK: NAME, KUBECONFIG: at('kind/kubeconfig') },
  });

async function up(log: Log, makeImages: () => Promise<string[]>): Promise<void> {
  await down();
  for (const folder of ['kind', 'kubeconfigs']) mkdirSync(at(folder), { recursive: true, mode: 0o700 });
  writeFileSync(BOOT_ID_UNIT, BOOT_ID_TEXT);
  await addNetworks();
  log('kind create cluster …');
  const [images] = await Promise.all([
    makeImages(),
    kindCommand(['create', 'cluster', '--config=-', '--retain', ...nodeImage()], { input: kindConfig(), deadlineSeconds: 600 }),
  ]);
  log('nodes …');
  for (const machine of MACHINES) await keepAddresses(machine);
  for (const machine of MACHINES) await connect(machine);
  await writeAdminConfig();
  await eventually(async () => (await kubectl(['get', '--raw', '/readyz'])).code === 0, 'the API server', 120_000);
  // Pods that tolerate a control plane would be on it, where the suites do not look.
  await mustKubectl(['cordon', CONTROL_PLANE_MACHINE]);
  await Promise.all(
    MACHINES.map(async (machine) => {
      const pid = await firstProcessOf(machine);
      for (const image of images) await importInside(pid, 'ctr', image);
      for (const plugin of MAIN_PLUGINS) await installInside(pid, findMainPlugin(plugin), `/opt/cni/bin/${plugin}`);
      await writeInside(pid, HOST_LOCAL_LIST, networkList('host-local'));
      await writeInside(pid, OWN_LIST, networkList('berth'));
    }),
  );
}

const connect = (machine: string): Promise<void> => bridge(machine, MACHINES.indexOf(machine) + 1);

/** kind's names the control plane by the container's name, which only containers can resolve. */
async function writeAdminConfig(): Promise<void> {
  const text = await kindCommand(['get', 'kubeconfig', '--internal']);
  const { IPAddress } = (await inspect(CONTROL_PLANE_MACHINE)).NetworkSettings.Networks[NAME]!;
  writeFileSync(kubeconfig('admin'), text.replace(`https://${CONTROL_PLANE_MACHINE}:`, `https://${IPAddress}:`), { mode: 0o600 });
}

async function down(): Promise<void> {
  await kindCommand(['delete', 'cluster'], { deadlineSeconds: 180 });
  await removeNetworks();
  if (existsSync(FOLDER)) await must('rm', ['-rf', '--one-file-system', FOLDER], { deadlineSeconds: 120 });
}

async function firstProcessOf(machine: string): Promise<number> {
  const { Pid } = (await inspect(containerOf(machine))).State;
  if (Pid === 0) throw new Error(`node ${machine} is off`);
  return Pid;
}

const systemctl = async (machine: string, ...args: string[]): Promise<string> =>
  runInside(await firstProcessOf(machine), ['systemctl', ...args]);

export const kind: Provider = {
  up,
  down,
  machines: MACHINES,
  firstProcessOf,
  ctr: () => 'ctr',
  startNode: async (node) => {
    await engine('start', containerOf(node));
    await connect(node);
    const pid = await firstProcessOf(node);
    await eventually(async () => (await tryInside(pid, ['ctr', 'version'])).code === 0, `containerd of ${node}`, 60_000);
  },
  stopNode: async (node) => {
    await engine('kill', containerOf(node));
  },
  startOnNode: async (node, name) => {
    await systemctl(node, 'start', name);
  },
  endOnNode: async (node, name) => {
    await systemctl(node, 'kill', '--kill-who=main', '--signal=KILL', name);
    // Or systemd would start it again.
    await systemctl(node, 'stop', name);
  },
  setUplink,
  restartControlPlaneProgram: async (name) => {
    await runInside(await firstProcessOf(CONTROL_PLANE_MACHINE), ['pkill', '-KILL', '-x', name]);
  },
  containerdLog: async (node) => runInside(await firstProcessOf(node), ['journalctl', '--unit=containerd', '--output=cat']),
  staticPodFile: (_node, name) => `/etc/kubernetes/manifests/${name}.yaml`,
};
