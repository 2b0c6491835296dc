import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { apply, mustKubectl } from '../cluster/kubectl.ts';
import { audit } from '../support/audit.ts';
import { addressesOf, deleteNamespace, freshNamespace, pods, whenReady } from '../support/cluster.ts';
import { DEFAULT_POOLS, deployment, onlyPool, pod, pool, smallPool } from '../support/objects.ts';

beforeAll(async () => {
  await apply(...DEFAULT_POOLS);
});
afterEach(async () => {
  await audit();
});

const described = (ns: string, name: string, pattern: RegExp): Promise<string> =>
  eventually(
    async () => {
      const text = await mustKubectl(['describe', 'pod', name, '-n', ns]);
      return pattern.test(text) ? text : undefined;
    },
    `${pattern} in kubectl describe pod ${name}`,
    60_000,
  );

describe('pools', () => {
  test('full: the reason is in kubectl describe, and the pod starts by itself when an address is free', async () => {
    const ns = await freshNamespace('e2e-full');
    await apply(smallPool('full', 20, 2));
    await apply(deployment(ns, 'holders', 2, { annotations: onlyPool('full') }));
    await whenReady(ns, 2);
    await apply(pod(ns, 'waiting', { annotations: onlyPool('full') }));
    const text = await described(ns, 'waiting', /FailedCreatePodSandBox/);
    expect(text).toMatch(/full: .*(no address|full|in use|none)/i);
    await mustKubectl(['scale', 'deployment', 'holders', '-n', ns, '--replicas=1']);
    await whenReady(ns, 2, 120_000);
    await deleteNamespace(ns);
  });

  test('chosen by the namespace, and by the pod', async () => {
    await apply(smallPool('by-namespace', 21, 9), smallPool('by-pod', 22, 9));
    const ns = await freshNamespace('e2e-chosen', onlyPool('by-namespace'));
    await apply(pod(ns, 'one'), pod(ns, 'two', { annotations: onlyPool('by-pod') }));
    await whenReady(ns, 2);
    const [one, two] = await pods(ns);
    expect(addressesOf([one!])[0]).toMatch(/^10\.90\.21\.\d$/);
    expect(addressesOf([two!])[0]).toMatch(/^10\.90\.22\.\d$/);
    await deleteNamespace(ns);
  });

  test('not for this namespace: refused with the reason in kubectl describe', async () => {
    await apply(
      pool('theirs', {
        ranges: [{ first: '10.90.23.1', last: '10.90.23.9' }],
        subnet: '10.90.0.0/16',
        namespaceSelector: { matchLabels: { team: 'theirs' } },
      }),
    );
    const ns = await freshNamespace('e2e-forbidden');
    await apply(pod(ns, 'stranger', { annotations: onlyPool('theirs') }));
    expect(await described(ns, 'stranger', /FailedCreatePodSandBox/)).toMatch(/pool "theirs": its namespaceSelector does not match/);
    await deleteNamespace(ns);
  });
});
