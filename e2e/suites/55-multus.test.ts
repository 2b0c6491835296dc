import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { apply, mustKubectl } from '../cluster/kubectl.ts';
import { NODES } from '../cluster/layout.ts';
import { attachment, installThick, installThin, removeMultus } from '../cluster/multus.ts';
import { onNode } from '../cluster/node.ts';
import { eventually } from '../../test/support/eventually.ts';
import { audit } from '../support/audit.ts';
import { bound, deleteNamespace, freshNamespace, inPod, secondAddressesOf, whenGone, whenReady } from '../support/cluster.ts';
import { DEFAULT_POOLS, deployment, pool } from '../support/objects.ts';

const annotations = { 'k8s.v1.cni.cncf.io/networks': 'second@net1' };

beforeAll(async () => {
  await apply(
    ...DEFAULT_POOLS,
    pool('second', { ranges: [{ first: '10.91.0.2', last: '10.91.0.60' }], subnet: '10.91.0.0/16', cooldownSeconds: 1 }),
  );
});
afterEach(async () => {
  await audit();
});

describe.each([
  { kind: 'thin', how: 'an executable on the node', install: installThin },
  { kind: 'thick', how: 'a daemon in 50 MiB and a tenth of a core, as its manifest says', install: installThick },
])('a second interface by Multus, $kind: $how', ({ kind, install }) => {
  beforeAll(async () => {
    await install();
    // containerd watches the folder.
    await eventually(
      async () =>
        (await Promise.all(NODES.map((node) => onNode(node, ['sh', '-c', 'ls /etc/cni/net.d'])))).every((names) =>
          names.includes('00-multus'),
        ),
      'Multus’ network list on the nodes',
      60_000,
    );
  });
  afterAll(removeMultus);

  test('has an address of its own pool, reaches the others, and gives it back', async () => {
    const ns = await freshNamespace(`e2e-multus-${kind}`);
    await apply(attachment(ns));
    await apply(deployment(ns, 'two-legs', 8, { annotations }));
    const all = await whenReady(ns, 8, 240_000);
    const second = all.map(secondAddressesOf);
    expect(second.map((addresses) => addresses.length)).toEqual(all.map(() => 1));
    expect(new Set(second.flat()).size).toBe(8);
    for (const [address] of second) expect(address).toMatch(/^10\.91\.0\.\d+$/);
    const from = all.find(({ spec }) => spec.nodeName === 'n1')!;
    const [to] = secondAddressesOf(all.find(({ spec }) => spec.nodeName === 'n2')!);
    expect(await inPod(from, ['ping', '-c', '2', '-W', '3', '-I', 'net1', to!])).toBe(0);
    const records = (await bound()).filter(({ spec }) => spec.subinstance === ns);
    expect(records).toHaveLength(3 * 8); // eth0 of both families, net1
    expect(
      records
        .filter(({ spec }) => spec.pool === 'second')
        .map(({ spec }) => spec.address)
        .toSorted(),
    ).toEqual(second.flat().toSorted());
    await audit();
    const restarts = [
      'get',
      'pods',
      '-n',
      'kube-system',
      '-l',
      'name=multus',
      '-o',
      'jsonpath={.items[*].status.containerStatuses[*].restartCount}',
    ];
    expect(await mustKubectl(restarts)).toBe(kind === 'thick' ? '0 0' : '');
    await mustKubectl(['delete', 'deployment', 'two-legs', '-n', ns]);
    await whenGone(ns, 180_000);
    await audit();
    expect((await bound()).filter(({ spec }) => spec.subinstance === ns)).toEqual([]);
    await deleteNamespace(ns);
  });
});
