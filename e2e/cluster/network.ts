/** A switch in a namespace of its own, and on it the control plane and the nodes, each in one. Nothing of it touches the machine's own network. */
import { must, execute } from '../../cmd/dev/execute.ts';
import { address6Of, addressOf, API_ADDRESS, API_ADDRESS6, CONTROL_PLANE, namespaceOf, NODES, SECOND_ADDRESS, SWITCH } from './layout.ts';

const ip = (namespace: string, command: string): Promise<string> => must('ip', ['-n', namespace, ...command.split(' ')]);

export async function addNetwork(): Promise<void> {
  for (const name of [SWITCH, CONTROL_PLANE, ...NODES.map(namespaceOf)]) {
    await must('ip', ['netns', 'add', name]);
    await ip(name, 'link set lo up');
    for (const setting of [
      'net.ipv6.conf.all.accept_dad=0',
      'net.ipv6.conf.default.accept_dad=0',
      'net.ipv4.ip_forward=1',
      'net.ipv6.conf.all.forwarding=1',
    ])
      await must('nsenter', [`--net=/run/netns/${name}`, 'sysctl', '-qw', setting]);
  }
  for (const network of [PODS, SECOND]) {
    await ip(SWITCH, `link add ${network.switch} type bridge`);
    await ip(SWITCH, `link set ${network.switch} up`);
    await plug(CONTROL_PLANE, 'cp', network);
  }
  await address(CONTROL_PLANE, PODS.uplink, API_ADDRESS, API_ADDRESS6);
  await ip(CONTROL_PLANE, `addr add ${SECOND_ADDRESS}/16 dev ${SECOND.uplink}`);
  for (const [index, node] of NODES.entries()) {
    const namespace = namespaceOf(node);
    for (const network of [PODS, SECOND]) {
      await plug(namespace, node, network);
      // The uplink is one of its ports. A bridge without a MAC of its own takes the lowest of its ports', a new one with
      // every pod.
      await ip(namespace, `link add ${network.bridge} address 02:9${network.index}:00:00:00:0${index + 1} type bridge`);
      await ip(namespace, `link set ${network.uplink} master ${network.bridge}`);
      await ip(namespace, `link set ${network.bridge} up`);
    }
    // The node's own address is on the pods' bridge.
    await address(namespace, PODS.bridge, addressOf(node), address6Of(node));
    await ip(namespace, `route add default via ${API_ADDRESS}`);
  }
}

/** Two L2 networks: that of the pods and nodes, and one for the pods' second interfaces. */
interface Network {
  readonly index: number;
  /** In the switch's namespace. */
  readonly switch: string;
  /** On a node, and on the control plane. */
  readonly uplink: string;
  readonly bridge: string;
}
const PODS: Network = { index: 0, switch: 'br0', uplink: 'eth0', bridge: 'cni0' };
const SECOND: Network = { index: 1, switch: 'br1', uplink: 'eth1', bridge: 'cni1' };

const portOf = (name: string, { index }: Network): string => `${name}-${index}`;

async function plug(namespace: string, name: string, network: Network): Promise<void> {
  const port = portOf(name, network);
  await ip(SWITCH, `link add ${port} type veth peer name ${network.uplink} netns ${namespace}`);
  await ip(SWITCH, `link set ${port} master ${network.switch}`);
  await ip(SWITCH, `link set ${port} up`);
  await ip(namespace, `link set ${network.uplink} up`);
}

async function address(namespace: string, device: string, v4: string, v6: string): Promise<void> {
  await ip(namespace, `addr add ${v4}/16 dev ${device}`);
  await ip(namespace, `addr add ${v6}/64 dev ${device} nodad`);
}

/** A node cut off from everybody, its pods with it; and back. */
export async function setUplink(node: string, state: 'up' | 'down'): Promise<void> {
  for (const network of [PODS, SECOND]) await ip(SWITCH, `link set ${portOf(node, network)} ${state}`);
}

export async function removeNetwork(): Promise<void> {
  for (const name of [...NODES.map(namespaceOf), CONTROL_PLANE, SWITCH]) await execute('ip', ['netns', 'delete', name]);
}
