/**
 * The nodes' network made one L2 with the pods': in each machine a bridge takes its interface's place, and its addresses.
 * A second network beside it is for the pods' second interfaces.
 */
import { execute, must } from '../../../cmd/dev/execute.ts';
import { CONTROL_PLANE, NAME, PREFIX4, PREFIX6, SECOND_ADDRESS } from '../layout.ts';
import { CONTROL_PLANE_MACHINE, containerOf } from './config.ts';
import { engine, inspect, tryEngine, type Endpoint } from './engine.ts';

interface Network {
  readonly name: string;
  readonly bridge: string;
  readonly create: readonly string[];
}

/** The engine gives addresses from where no pool does. */
const PODS: Network = {
  name: NAME,
  bridge: 'cni0',
  create: [`--subnet=${PREFIX4}`, '--ip-range=10.90.0.0/24', '--gateway=10.90.0.1', '--ipv6', `--subnet=${PREFIX6}`, '--gateway=fd90::1'],
};
const SECOND: Network = {
  name: `${NAME}-second`,
  bridge: 'cni1',
  create: ['--subnet=10.91.0.0/16', '--ip-range=10.91.255.0/24', '--gateway=10.91.255.1'],
};
const NETWORKS = [PODS, SECOND] as const;

export async function addNetworks(): Promise<void> {
  for (const { name, create } of NETWORKS) await engine('network', 'create', '--driver=bridge', ...create, name);
}

export async function removeNetworks(): Promise<void> {
  await execute('ip', ['netns', 'delete', CONTROL_PLANE]);
  for (const { name } of NETWORKS) await tryEngine('network', 'rm', name);
}

/** Once, after kind has made it: from then on its addresses are the same at each start. */
export async function keepAddresses(machine: string): Promise<void> {
  const container = containerOf(machine);
  const { IPAddress, GlobalIPv6Address } = (await inspect(container)).NetworkSettings.Networks[PODS.name]!;
  await engine('network', 'disconnect', PODS.name, container);
  await engine('network', 'connect', `--ip=${IPAddress}`, `--ip6=${GlobalIPv6Address}`, PODS.name, container);
  await engine('network', 'connect', SECOND.name, container);
}

/** At each start of the container. */
export async function bridge(machine: string, index: number): Promise<void> {
  const { pid, endpoints } = await look(machine);
  const ip = (command: string): Promise<string> => must('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...command.split(' ')]);
  for (const [which, network] of NETWORKS.entries()) {
    const endpoint = endpoints[network.name]!;
    const uplink = await interfaceOf(pid, endpoint);
    await ip(`link add ${network.bridge} address 02:9${which}:00:00:00:1${index} type bridge`);
    await ip(`addr flush dev ${uplink}`);
    await ip(`link set ${uplink} master ${network.bridge}`);
    await ip(`link set ${network.bridge} up`);
    if (network === SECOND) continue;
    await ip(`addr add ${endpoint.IPAddress}/16 dev ${network.bridge}`);
    await ip(`addr add ${endpoint.GlobalIPv6Address}/64 dev ${network.bridge} nodad`);
    await ip('route replace default via 10.90.0.1');
  }
  if (machine === CONTROL_PLANE_MACHINE) {
    await ip(`addr add ${SECOND_ADDRESS}/16 dev ${SECOND.bridge}`);
    await must('ip', ['netns', 'attach', CONTROL_PLANE, String(pid)]);
  }
}

/** On the node's own side: it then hears nobody, and nobody it. */
export async function setUplink(machine: string, state: 'up' | 'down'): Promise<void> {
  const { pid, endpoints } = await look(machine);
  for (const { name } of NETWORKS)
    await must('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', 'link', 'set', await interfaceOf(pid, endpoints[name]!), state]);
}

async function look(machine: string): Promise<{ readonly pid: number; readonly endpoints: Readonly<Record<string, Endpoint>> }> {
  const { State, NetworkSettings } = await inspect(containerOf(machine));
  return { pid: State.Pid, endpoints: NetworkSettings.Networks };
}

/** An engine numbers interfaces as it likes. */
async function interfaceOf(pid: number, { MacAddress }: Endpoint): Promise<string> {
  const links = JSON.parse(await must('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-j', 'link'])) as {
    readonly ifname: string;
    readonly address?: string;
  }[];
  const found = links.find(({ address }) => address === MacAddress);
  if (found === undefined) throw new Error(`no interface has the address ${MacAddress}`);
  return found.ifname;
}
