/** AddressBinding: a record that contradicts itself does not get in, whoever writes it. */
import { expect, test } from 'vitest';
import { bindingName } from '../../src/core/binding-name.ts';
import { bindingResource } from '../../src/kubernetes/resources.ts';
import { describeCluster, request } from '../support/cluster.ts';
import { attachment, binding, BINDINGS, bindingSpec, judge, released } from './objects.ts';

const NAME = 'a binding is named after its network and address: default.10-244-1-7, IPv6 fully expanded, the address in canonical form';
const NODE = "spec.node: node must be the first attachment's node, and absent where there is no attachment";
const POD_UID = "spec.podUid: podUid must be the first attachment's podUid, and absent where that has none";
const MAC = 'spec.resource: a MAC address is kept in lower case with colons, such as aa:bb:cc:00:11:22';
const loose = { attachments: [], node: undefined, podUid: undefined };
const { podUid: _podUid, ...container } = attachment;
const stamp = attachment.stamp;

const ROWS: readonly [title: string, change: object, ...expected: string[]][] = [
  ['of a pod', {}],
  ['of a container without a pod', { attachments: [container], podUid: undefined }],
  ['of a VM that is handed over', { attachments: [attachment, { ...attachment, node: 'worker-2', podUid: 'another' }] }],
  ['of a MAC address, without attachment', { ...loose, resource: { type: 'mac', value: 'aa:bb:cc:00:11:22' } }],
  ['of an EUI-64', { ...loose, resource: { type: 'mac', value: 'aa:bb:cc:ff:fe:00:11:22' } }],
  ['with tags and a lease', { tags: { app: 'cart', empty: '' }, expiresAt: '2026-11-24T05:00:00Z' }],
  ['that is released', { ...released, releasedBy: stamp }],
  ['released by hand', released],
  ['released without a time', { state: 'Released' }, 'spec.state: releasedAt is there exactly when state is Released'],
  ['bound with the time of a release', { ...released, state: 'Bound' }, 'spec.state: releasedAt is there exactly when state is Released'],
  ['bound with a releasing stamp', { releasedBy: stamp }, 'spec.releasedBy: releasedBy needs releasedAt'],
  ['in a state of its own', { state: 'Cooling' }, 'spec.state: Unsupported value: "Cooling": supported values: "Bound", "Released"'],
  ['without its node', { node: undefined }, NODE],
  ['with another node', { node: 'worker-2' }, NODE],
  ['with a node and no attachment', { ...loose, node: 'worker-1' }, NODE],
  ['without its pod UID', { podUid: undefined }, POD_UID],
  ['with another pod UID', { podUid: 'another' }, POD_UID],
  ['with a pod UID its attachment lacks', { attachments: [container] }, POD_UID],
  [
    'with three attachments',
    { attachments: [attachment, attachment, attachment] },
    'spec.attachments: Too many: 3: must have at most 2 items',
  ],
  [
    'with an attachment of no container',
    { attachments: [{ ...attachment, containerId: '' }] },
    'spec.attachments[0].containerId: spec.attachments[0].containerId in body should be at least 1 chars long',
  ],
  [
    'with an attachment without a stamp',
    { attachments: [{ ...attachment, stamp: undefined }] },
    'spec.attachments[0].stamp: Required value',
  ],
  [
    'with nanoseconds that are no number',
    { attachments: [{ ...attachment, stamp: { ...stamp, monotonicNs: '1e9' } }] },
    "spec.attachments[0].stamp.monotonicNs: spec.attachments[0].stamp.monotonicNs in body should match '^(0|[1-9][0-9]{0,23})$'",
  ],
  ['with a MAC address in upper case', { resource: { type: 'mac', value: 'AA:BB:CC:00:11:22' } }, MAC],
  ['with half a MAC address', { resource: { type: 'mac', value: 'aa:bb:cc' } }, MAC],
  [
    'with a resource of its own kind',
    { resource: { type: 'robot', value: 'r2' } },
    'spec.resource.type: Unsupported value: "robot": supported values: "mac", "vm", "container", "pod", "custom"',
  ],
  ['without a subinstance', { subinstance: '' }, 'spec.subinstance: spec.subinstance in body should be at least 1 chars long'],
  ['with a time of its own', { boundAt: 'yesterday' }, 'spec.boundAt: spec.boundAt in body must be of type date-time: "yesterday"'],
  ['without a cooldown', { cooldownSeconds: undefined }, 'spec.cooldownSeconds: Required value'],
  ['in a negative slot', { slot: -1 }, 'spec.slot: spec.slot in body should be greater than or equal to 0'],
];

/** Name, network and address that belong together, or not. */
const NAMES: readonly [name: string, network: string, address: string, ...expected: string[]][] = [
  ['default.10-244-1-7', 'default', '10.244.1.7'],
  ['blue-2.0-0-0-0', 'blue-2', '0.0.0.0'],
  ['default.255-255-255-255', 'default', '255.255.255.255'],
  ['default.fd00-0010-0244-0000-0000-0000-0000-0001', 'default', 'fd00:10:244::1'],
  ['default.0000-0000-0000-0000-0000-0000-0000-0000', 'default', '::'],
  ['default.2001-0db8-0000-0001-0000-0000-0000-0001', 'default', '2001:db8:0:1::1'],
  ['default.10-244-1-8', 'default', '10.244.1.7', `spec.address: ${NAME}`],
  ['blue.10-244-1-7', 'default', '10.244.1.7', `spec.address: ${NAME}`],
  ['default.10-244-1', 'default', '10.244.1', `spec.address: ${NAME}`],
  ['default.10-244-1-007', 'default', '10.244.1.007', `spec.address: ${NAME}`],
  ['default.10-244-1-256', 'default', '10.244.1.256', `spec.address: ${NAME}`],
  ['10-244-1-7', 'default', '10.244.1.7', `spec.address: ${NAME}`],
  ['default', 'default', '10.244.1.7', `spec.address: ${NAME}`],
  ['default.fd00-0010-0244-0000-0000-0000-0000-0001', 'default', 'FD00:10:244::1', `spec.address: ${NAME}`],
  ['default.fd00-0010-0244-0000-0000-0000-0000-0001', 'default', 'fd00:10:244:0::1', `spec.address: ${NAME}`],
  ['default.fd00-10-244-0-0-0-0-1', 'default', 'fd00:10:244::1', `spec.address: ${NAME}`],
  ['default.0000-0000-0000-0000-0000-ffff-0a00-0001', 'default', '::ffff:10.0.0.1', `spec.address: ${NAME}`],
  [
    'default.10-244-1-7',
    'Default',
    '10.244.1.7',
    "spec.network: spec.network in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'",
    `spec.address: ${NAME}`,
  ],
];

describeCluster('an AddressBinding', () => {
  test.each(ROWS)('%s', async (_title, change, ...expected) => {
    expect(await judge(BINDINGS, binding(change))).toEqual(expected.toSorted());
  });

  test.each(NAMES)('%s in network %s holding %s', async (name, network, address, ...expected) => {
    expect(await judge(BINDINGS, binding({ network, address }, name))).toEqual(expected.toSorted());
  });

  test('as core names and the conversion writes it, is taken', async () => {
    for (const address of ['10.0.0.1', 'fd00::a:0:0:1', '1::', '::1']) {
      const spec = bindingResource.toSpec({ ...(binding({ address }, bindingName('default', address)) as any) });
      expect(await judge(BINDINGS, bindingResource.toObject(bindingName('default', address), spec))).toEqual([]);
    }
  });

  test('keeps its address and network: its name says them', async () => {
    expect((await request('POST', BINDINGS, binding())).status).toBe(201);
    try {
      const stored = (await request('GET', `${BINDINGS}/default.10-244-1-7`)).json;
      const changed = await request('PUT', `${BINDINGS}/default.10-244-1-7`, {
        ...stored,
        spec: { ...bindingSpec, address: '10.244.1.8' },
      });
      expect(changed.json.message).toContain(NAME);
    } finally {
      expect((await request('DELETE', `${BINDINGS}/default.10-244-1-7`)).status).toBe(200);
    }
  });
});
