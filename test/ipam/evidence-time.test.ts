/** P4: an address comes back within 60 s of the evidence, of whatever kind, and not before it. Virtual time, second by second. */
import { expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';
import { addressOf, openWorld } from '../support/ipam-world.ts';

const LEASE_EVERY = 10;
const GRACE = 30;
const MARGIN = 30;
const NODE_GONE_AFTER = 120;
const PROMISED = 60;

/** What happens at second 0, and from which second on it is evidence. */
const KINDS: readonly [what: string, from: number, act: (workloads: PretendedWorkloads) => void][] = [
  // The kubelet hears of it with its next renewal.
  ['a pod is deleted', GRACE + MARGIN, (workloads) => workloads.deletePod('ns', 'web')],
  ['a pod is missing in a relist', GRACE + MARGIN, (workloads) => workloads.deletePod('ns', 'web', false)],
  [
    'a pod is deleted whose containers had all ended',
    0,
    (workloads) => {
      workloads.pod('ns', 'web', { isTerminated: true, isDeleting: true });
      workloads.deletePod('ns', 'web');
    },
  ],
  ['a Job has finished, its sandbox is gone', 0, (workloads) => void workloads.pod('ns', 'web', { phase: 'Succeeded', hasSandbox: false })],
  ['the node has booted', 0, (workloads) => workloads.node('n1', { bootId: 'boot-2' })],
  [
    'an administrator says that nothing runs on the node',
    0,
    (workloads) => {
      workloads.deletePod('ns', 'web');
      workloads.node('n1', { isReady: false, isOutOfService: true });
    },
  ],
  ['the Node object is gone', NODE_GONE_AFTER, (workloads) => void workloads.nodes.delete('n1')],
];

test.each(KINDS)('%s', async (_what, from, act) => {
  const workloads = new PretendedWorkloads();
  workloads.node('n1');
  const cluster = { workloads, leads: () => true, nodeGoneAfterMs: NODE_GONE_AFTER * 1000 };
  // The worst and the best moment between two passes, and all in between.
  for (let offset = 0; offset < LEASE_EVERY; offset += 3) {
    workloads.node('n1', { bootId: 'boot-1', isReady: true, isOutOfService: false });
    const world = await openWorld({ nodes: clusterNodes(workloads), cluster });
    await world.pool('p', { ranges: [{ cidr: '10.0.0.0/24' }], default: true, cooldownSeconds: 0 });
    const { namespace, uid } = workloads.pod('ns', 'web', {
      phase: 'Running',
      hasSandbox: true,
      isTerminated: false,
      isDeleting: false,
      terminationGraceSeconds: GRACE,
    });
    await addressOf(world.add('c', { node: 'n1', pod: { namespace, name: 'web', uid } }));
    let now = 0;
    const second = async (): Promise<void> => {
      if (++now % LEASE_EVERY === 0 && workloads.nodes.has('n1')) workloads.renew('n1');
      await world.timers.advance(1000);
    };
    while (now < 60 + offset) await second();
    act(workloads);
    const began = now;
    while (world.ipam.bindings({}).length > 0 && now - began < 400) await second();
    const took = now - began;
    expect(took, `${offset} s after a pass`).toBeGreaterThanOrEqual(from);
    expect(took - from, `${offset} s after a pass`).toBeLessThanOrEqual(PROMISED);
    await world.ipam.close();
  }
});
