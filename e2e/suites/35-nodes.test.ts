import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { apply, mustKubectl, nodesReady } from '../cluster/kubectl.ts';
import { endOnNode, onNode, startNode, startOnNode, staticPodFile, stopNode, writeOnNode } from '../cluster/node.ts';
import { audit } from '../support/audit.ts';
import { addressesOf, bound, deleteNamespace, freshNamespace, inPod, isReady, pods, whenReady } from '../support/cluster.ts';
import type { Pod } from '../support/cluster.ts';
import { DEFAULT_POOLS, deployment, pod } from '../support/objects.ts';

beforeAll(async () => {
  await apply(...DEFAULT_POOLS);
});
afterEach(async () => {
  await nodesReady();
  await audit(180_000);
});

describe('static pods', () => {
  const mirrors = async (ns: string): Promise<readonly Pod[]> => (await pods(ns)).filter(isReady);
  const whenMirrored = (ns: string): Promise<Pod> => eventually(async () => (await mirrors(ns))[0], 'the mirror pod to be Ready', 120_000);

  test('keep their address when the mirror is deleted and the kubelet restarts, and give it back when the file goes', async () => {
    const ns = await freshNamespace('e2e-static');
    const file = staticPodFile('n1', 'berth-e2e');
    await writeOnNode('n1', file, JSON.stringify(pod(ns, 'static')));
    try {
      const first = await whenMirrored(ns);
      const addresses = addressesOf([first]);
      expect(addresses).toHaveLength(2);
      const held = async (): Promise<string[]> =>
        (await bound()).filter(({ spec }) => spec.subid === first.metadata.name).map(({ spec }) => spec.address);

      await mustKubectl(['delete', 'pod', first.metadata.name, '-n', ns, '--grace-period=0', '--force']);
      const second = await eventually(
        async () => (await mirrors(ns)).find(({ metadata }) => metadata.uid !== first.metadata.uid),
        'another mirror pod',
        60_000,
      );
      expect(addressesOf([second])).toEqual(addresses);
      await endOnNode('n1', 'kubelet');
      await startOnNode('n1', 'kubelet');
      await nodesReady();
      // Longer than the grace period and 30 s, after which another pod's address would be released with its object.
      const end = performance.now() + 40_000;
      await eventually(
        async () => {
          expect((await held()).toSorted()).toEqual(addresses.toSorted());
          return performance.now() > end;
        },
        'the wait to be over',
        60_000,
      );
      expect(addressesOf([await whenMirrored(ns)])).toEqual(addresses);
      await audit();

      await onNode('n1', ['rm', file]);
      await eventually(async () => (await pods(ns)).length === 0, 'the static pod to be gone', 90_000);
      await eventually(async () => (await held()).length === 0, 'its addresses to come back', 60_000);
    } finally {
      await onNode('n1', ['rm', '-f', file]);
    }
    await deleteNamespace(ns);
  });
});

describe('a node that is deleted', () => {
  test('its addresses come back after nodeGoneAfter, its pods start elsewhere, and it may return', async () => {
    const ns = await freshNamespace('e2e-node-gone');
    await apply(deployment(ns, 'many', 8));
    const before = await whenReady(ns, 8);
    const lost = addressesOf(before.filter(({ spec }) => spec.nodeName === 'n2'));
    expect(lost.length).toBeGreaterThan(0);
    await stopNode('n2');
    try {
      await mustKubectl(['delete', 'node', 'n2']);
      const deleted = performance.now();
      const held = async (): Promise<string[]> =>
        (await bound()).map(({ spec }) => spec.address).filter((address) => lost.includes(address));
      expect((await held()).toSorted()).toEqual(lost.toSorted());
      await eventually(
        async () => {
          const all = (await pods(ns)).filter(isReady);
          return all.length === 8 && all.every(({ spec }) => spec.nodeName === 'n1') ? all : undefined;
        },
        'all pods to be Ready on the node that is left',
        180_000,
      );
      await eventually(
        async () => (await bound()).filter(({ spec }) => spec.attachments?.some(({ node }) => node === 'n2')).length === 0,
        'what the deleted node held to come back',
        180_000,
      );
      expect(performance.now() - deleted).toBeGreaterThan(25_000); // nodeGoneAfter is 30 s here
    } finally {
      await startNode('n2');
    }
    await nodesReady();
    await mustKubectl(['rollout', 'status', 'daemonset/berth-install', '-n', 'berth', '--timeout=120s'], { deadlineSeconds: 130 });
    await mustKubectl(['rollout', 'status', 'deployment/berth-controller', '-n', 'berth', '--timeout=120s'], { deadlineSeconds: 130 });
    await apply(pod(ns, 'back', { node: 'n2' }));
    const back = await eventually(
      async () => (await pods(ns)).find((each) => each.metadata.name === 'back' && isReady(each)),
      'a pod there',
      120_000,
    );
    const elsewhere = (await pods(ns)).find(({ spec }) => spec.nodeName === 'n1')!;
    expect(await inPod(back, ['ping', '-c', '2', '-W', '3', elsewhere.status.podIPs![0]!.ip])).toBe(0);
    await deleteNamespace(ns);
  });
});
