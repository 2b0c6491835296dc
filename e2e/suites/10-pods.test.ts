import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { apply, mustKubectl } from '../cluster/kubectl.ts';
import { onNode } from '../cluster/node.ts';
import { audit } from '../support/audit.ts';
import { addressesOf, bound, deleteNamespace, freshNamespace, inPod, pods, whenGone, whenReady } from '../support/cluster.ts';
import { whoAnswers } from '../support/who-answers.ts';
import { DEFAULT_POOLS, deployment, job, onlyPool, smallPool, statefulSet } from '../support/objects.ts';

beforeAll(async () => {
  await apply(...DEFAULT_POOLS);
});
afterEach(async () => {
  await audit();
});

describe('pods', () => {
  test('of a Deployment have distinct addresses of both families and ping each other across nodes', async () => {
    const ns = await freshNamespace('e2e-spread');
    await apply(deployment(ns, 'spread', 8));
    const all = await whenReady(ns, 8);
    const addresses = addressesOf(all);
    expect(new Set(addresses).size).toBe(16);
    expect(new Set(all.map(({ spec }) => spec.nodeName)).size).toBe(2);
    const from = all.find(({ spec }) => spec.nodeName === 'n1')!;
    const to = all.find(({ spec }) => spec.nodeName === 'n2')!;
    for (const { ip } of to.status.podIPs!) expect([ip, await inPod(from, ['ping', '-c', '2', '-W', '3', ip])]).toEqual([ip, 0]);
    await audit();
    await deleteNamespace(ns);
    expect((await bound()).filter(({ spec }) => spec.subinstance === ns)).toEqual([]);
  });

  test('and a second holder of an address would be noticed', async () => {
    const ns = await freshNamespace('e2e-twice');
    await apply(deployment(ns, 'held', 1));
    const [four, six] = addressesOf(await whenReady(ns, 1));
    for (const address of [`${four}/32`, `${six}/128`])
      await onNode('n2', ['ip', 'address', 'add', address, 'dev', 'cni0', ...(address.includes(':') ? ['nodad'] : [])]);
    try {
      await expect(audit()).rejects.toThrow(/answered for by 2/);
      expect([...(await whoAnswers([four!, six!, '10.90.0.99'])).values()]).toEqual([2, 2, 0]);
    } finally {
      for (const address of [`${four}/32`, `${six}/128`]) await onNode('n2', ['ip', 'address', 'delete', address, 'dev', 'cni0']);
    }
    await audit();
    await deleteNamespace(ns);
  });

  test('exactly as many as there are addresses become Ready, again and again', async () => {
    const ns = await freshNamespace('e2e-exact');
    await apply(smallPool('exact', 10, 10));
    for (let round = 0; round < 3; round++) {
      await apply(deployment(ns, 'exact', 10, { annotations: onlyPool('exact') }));
      const addresses = addressesOf(await whenReady(ns, 10));
      expect(new Set(addresses).size).toBe(10);
      // Created again while the last ones still end.
      await mustKubectl(['delete', 'deployment', 'exact', '-n', ns, '--wait=false']);
      if (round === 2) await whenGone(ns);
    }
    await deleteNamespace(ns);
  });

  test('100 come and go, and nothing is left', async () => {
    const ns = await freshNamespace('e2e-hundred');
    await apply(deployment(ns, 'many', 100));
    expect(new Set(addressesOf(await whenReady(ns, 100, 180_000))).size).toBe(200);
    await mustKubectl(['scale', 'deployment', 'many', '-n', ns, '--replicas=0']);
    await whenGone(ns, 150_000);
    await audit();
    await deleteNamespace(ns);
  });

  test('of a Job give their addresses back when they finish, while their objects stay', async () => {
    const ns = await freshNamespace('e2e-job');
    await apply(job(ns, 'short', 6, { run: 'exit 0' }));
    await mustKubectl(['wait', '--for=condition=Complete', 'job/short', '-n', ns, '--timeout=90s']);
    await audit();
    expect(await pods(ns)).toHaveLength(6);
    await deleteNamespace(ns);
  });

  test('of a StatefulSet come back with their addresses where the pool is sticky', async () => {
    const ns = await freshNamespace('e2e-sticky');
    const pool = smallPool('sticky', 11, 50) as { spec: object };
    await apply({ ...pool, spec: { ...pool.spec, stickySeconds: 3600 } });
    await apply(statefulSet(ns, 'set', 4, { annotations: onlyPool('sticky') }));
    const byName = (all: Awaited<ReturnType<typeof pods>>): object =>
      Object.fromEntries(all.map(({ metadata, status }) => [metadata.name, status.podIPs![0]!.ip]));
    const before = byName(await whenReady(ns, 4));
    await mustKubectl(['scale', 'statefulset', 'set', '-n', ns, '--replicas=0']);
    await whenGone(ns);
    await mustKubectl(['scale', 'statefulset', 'set', '-n', ns, '--replicas=4']);
    expect(byName(await whenReady(ns, 4))).toEqual(before);
    await deleteNamespace(ns);
  });
});
