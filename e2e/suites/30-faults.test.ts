import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { NAMESPACE } from '../cluster/berth.ts';
import { apply, kubectl, mustKubectl, nodesReady } from '../cluster/kubectl.ts';
import { NODES } from '../cluster/layout.ts';
import { endOnNode, restartControlPlaneProgram, setUplink, startNode, startOnNode, stopNode } from '../cluster/node.ts';
import { audit } from '../support/audit.ts';
import {
  addressesOf,
  bound,
  deleteNamespace,
  freshNamespace,
  inPod,
  isReady,
  list,
  pods,
  whenGone,
  whenReady,
} from '../support/cluster.ts';
import type { Pod } from '../support/cluster.ts';
import { DEFAULT_POOLS, deployment, pod, statefulSet } from '../support/objects.ts';

beforeAll(async () => {
  await apply(...DEFAULT_POOLS);
});
afterEach(async () => {
  await nodesReady();
  await audit(180_000);
});

const controllers = (): Promise<readonly Pod[]> => list<Pod>('pods', '-n', NAMESPACE, '-l', 'app.kubernetes.io/component=controller');
const controllersReady = (count: number): Promise<string> =>
  mustKubectl(
    ['wait', '-n', NAMESPACE, 'deployment/berth-controller', `--for=jsonpath={.status.readyReplicas}=${count}`, '--timeout=120s'],
    {
      deadlineSeconds: 130,
    },
  );
const scaleControllers = (count: number): Promise<string> =>
  mustKubectl(['scale', 'deployment', 'berth-controller', '-n', NAMESPACE, `--replicas=${count}`]);

describe('what must hold when', () => {
  test('one controller is killed while pods start', async () => {
    const ns = await freshNamespace('e2e-one-killed');
    await apply(deployment(ns, 'many', 20));
    const [first] = await controllers();
    await mustKubectl(['delete', 'pod', first!.metadata.name, '-n', NAMESPACE, '--grace-period=0', '--force']);
    expect(new Set(addressesOf(await whenReady(ns, 20))).size).toBe(40);
    await deleteNamespace(ns);
    await controllersReady(2);
  });

  test('all controllers are gone: pods run on, deletions end, nodes stay Ready, new pods wait and then start', async () => {
    const ns = await freshNamespace('e2e-all-gone');
    await apply(deployment(ns, 'running', 4), deployment(ns, 'going', 4));
    const before = await whenReady(ns, 8);
    await scaleControllers(0);
    await eventually(async () => (await controllers()).length === 0, 'the controllers to be gone', 60_000);
    await mustKubectl(['delete', 'deployment', 'going', '-n', ns]);
    await eventually(async () => (await pods(ns)).length === 4, 'deleted pods to be gone', 60_000);
    await apply(pod(ns, 'waiting'));
    const [from, to] = before.filter(({ metadata }) => metadata.name.startsWith('running'));
    expect(await inPod(from!, ['ping', '-c', '2', '-W', '3', to!.status.podIPs![0]!.ip])).toBe(0);
    await nodesReady();
    expect((await bound()).filter(({ spec }) => spec.subid.startsWith('going'))).toHaveLength(8); // in the nodes' spools
    await scaleControllers(2);
    await controllersReady(2);
    await whenReady(ns, 5);
    await audit();
    await deleteNamespace(ns);
  });

  test('kubelet and containerd are restarted while pods come and go', async () => {
    const ns = await freshNamespace('e2e-restarts');
    await apply(deployment(ns, 'many', 12));
    await endOnNode('n1', 'kubelet');
    await endOnNode('n2', 'containerd');
    await startOnNode('n1', 'kubelet');
    await startOnNode('n2', 'containerd');
    const before = addressesOf(await whenReady(ns, 12)).toSorted();
    for (const node of NODES) {
      await endOnNode(node, 'containerd');
      await startOnNode(node, 'containerd');
      await endOnNode(node, 'kubelet');
      await startOnNode(node, 'kubelet');
    }
    await nodesReady();
    expect(addressesOf(await whenReady(ns, 12)).toSorted()).toEqual(before);
    await deleteNamespace(ns);
  });

  test('API server and etcd are restarted while pods come and go', async () => {
    const ns = await freshNamespace('e2e-api');
    await apply(deployment(ns, 'many', 12));
    for (const name of ['etcd', 'kube-apiserver'] as const) await restartControlPlaneProgram(name);
    await eventually(async () => (await kubectl(['get', '--raw', '/readyz'])).code === 0, 'the API server', 120_000);
    expect(new Set(addressesOf(await whenReady(ns, 12))).size).toBe(24);
    await deleteNamespace(ns);
  });

  test('a node is cut off, a StatefulSet’s pod on it is force-deleted: nobody gets its addresses until the node is back', async () => {
    const ns = await freshNamespace('e2e-cut-off');
    await apply(statefulSet(ns, 'set', 4));
    const victim = (await whenReady(ns, 4)).find(({ spec }) => spec.nodeName === 'n2')!;
    const { name, uid } = victim.metadata;
    await setUplink('n2', 'down');
    try {
      await mustKubectl(['wait', 'node/n2', '--for=condition=Ready=Unknown', '--timeout=60s'], { deadlineSeconds: 70 });
      await mustKubectl(['delete', 'pod', name, '-n', ns, '--grace-period=0', '--force']);
      const successor = await eventually(
        async () => (await pods(ns)).find((each) => each.metadata.name === name && each.metadata.uid !== uid && isReady(each)),
        `another ${name} to be Ready`,
        90_000,
      );
      expect(successor.spec.nodeName).toBe('n1');
      // The sandbox on the far side lives. Longer than the grace period and 30 s, after which a Ready node's would be released.
      const until = performance.now() + 45_000;
      while (performance.now() < until) {
        const held = (await bound()).map(({ spec }) => spec.address);
        for (const address of addressesOf([victim])) expect(held).toContain(address);
        await sleep(3000);
      }
    } finally {
      await setUplink('n2', 'up');
    }
    await nodesReady();
    await audit(180_000);
    expect((await bound()).filter(({ spec }) => spec.attachments?.some(({ podUid }) => podUid === uid))).toEqual([]);
    await deleteNamespace(ns);
  });

  test('a node boots again: what its earlier boot held comes back, its pods get addresses', async () => {
    const ns = await freshNamespace('e2e-reboot');
    await apply(deployment(ns, 'many', 6, { node: 'n1' }));
    await whenReady(ns, 6);
    await stopNode('n1');
    await startNode('n1');
    await nodesReady();
    const after = addressesOf(await whenReady(ns, 6, 180_000));
    // Of this namespace there are no others: nothing of the earlier boot is held.
    expect((await audit(180_000)).toSorted()).toEqual(after.toSorted());
    await deleteNamespace(ns);
    await whenGone(ns);
    await controllersReady(2);
  });
});
