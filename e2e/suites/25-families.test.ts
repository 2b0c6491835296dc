import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { apply } from '../cluster/kubectl.ts';
import { audit } from '../support/audit.ts';
import { addressesOf, deleteNamespace, freshNamespace, inPod, whenReady } from '../support/cluster.ts';
import { DEFAULT_POOLS, deployment, onlyPool } from '../support/objects.ts';

beforeAll(async () => {
  await apply(...DEFAULT_POOLS);
});
afterEach(async () => {
  await audit();
});

describe('pods of one family, beside those of both', () => {
  test.each([
    ['IPv4', 'pods', /^10\.90\.[12]\.\d+$/],
    ['IPv6', 'pods-v6', /^fd90::1:/],
  ])('%s only: one address each, and they reach each other across nodes', async (family, pool, shape) => {
    const ns = await freshNamespace(`e2e-only-${family.toLowerCase()}`, onlyPool(pool));
    await apply(deployment(ns, 'one-family', 6));
    const all = await whenReady(ns, 6);
    const addresses = addressesOf(all);
    expect(new Set(addresses).size).toBe(6);
    for (const address of addresses) expect(address).toMatch(shape);
    const [from, to] = (['n1', 'n2'] as const).map((node) => all.find(({ spec }) => spec.nodeName === node)!);
    expect(await inPod(from!, ['ping', '-c', '2', '-W', '3', addressesOf([to!])[0]!])).toBe(0);
    await audit();
    await deleteNamespace(ns);
  });
});
