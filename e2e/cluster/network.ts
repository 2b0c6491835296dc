/** A switch in a namespace of its own, and on it the control plane and the nodes, each in one. Nothing of it touches the machine's own network. */
import { must, execute } from '../../cmd/dev/execute.ts';
import { address6Of, addressOf, API_ADDRESS, API_ADDRESS6, CONTROL_PLANE, namespaceOf, NODES, SWITCH } from './layout.ts';

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
  await ip(SWITCH, 'link add br0 type bridge');
  await ip(SWITCH, 'link set br0 up');
  await plug(CONTROL_PLANE, 'cp');
  await address(CONTROL_PLANE, 'eth0', API_ADDRESS, API_ADDRESS6);
  for (const [index, node] of NODES.entries()) {
    const namespace = namespaceOf(node);
    await plug(namespace, node);
    // The node's own address is on the pods' bridge; the uplink is one of its ports. A bridge without a MAC of its own
    // takes the lowest of its ports', a new one with every pod.
    await ip(namespace, `link add cni0 address 02:90:00:00:00:0${index + 1} type bridge`);
    await ip(namespace, 'link set eth0 master cni0');
    await ip(namespace, 'link set cni0 up');
    await address(namespace, 'cni0', addressOf(node), address6Of(node));
    await ip(namespace, `route add default via ${API_ADDRESS}`);
  }
}

async function plug(namespace: string, port: string): Promise<void> {
  await ip(SWITCH, `link add ${port} type veth peer name eth0 netns ${namespace}`);
  await ip(SWITCH, `link set ${port} master br0`);
  await ip(SWITCH, `link set ${port} up`);
  await ip(namespace, 'link set eth0 up');
}

async function address(namespace: string, device: string, v4: string, v6: string): Promise<void> {
  await ip(namespace, `addr add ${v4}/16 dev ${device}`);
  await ip(namespace, `addr add ${v6}/64 dev ${device} nodad`);
}

/** A node cut off from everybody, its pods with it; and back. */
export const setUplink = (node: string, state: 'up' | 'down'): Promise<string> => ip(SWITCH, `link set ${node} ${state}`);

export async function removeNetwork(): Promise<void> {
  for (const name of [...NODES.map(namespaceOf), CONTROL_PLANE, SWITCH]) await execute('ip', ['netns', 'delete', name]);
}
