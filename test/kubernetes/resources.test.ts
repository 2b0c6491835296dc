/** Between records and custom resources, and the types made from the definitions. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generateResources, GENERATED } from '../../cmd/dev/generate-resources.ts';
import { bindingName } from '../../src/core/binding-name.ts';
import type { Attachment, BindingSpec } from '../../src/core/binding.ts';
import { normalisePool } from '../../src/core/pool.ts';
import type { PoolSpecInput } from '../../src/core/pool-spec.ts';
import { bindingResource, poolResource, UnreadableResource } from '../../src/kubernetes/resources.ts';

const stamp = { bootId: 'b7a1c1f0-1d0a-4a3e-9b77-2f7f3f1f8f10', startedTicks: 4711, monotonicNs: '98765432101234', attempt: 1 };

const attachment: Attachment = {
  cniNetwork: 'pods',
  ifName: 'eth0',
  containerId: 'c0ffee',
  podUid: '0b2a4c6e-1111-4222-8333-944455556666',
  static: true,
  node: 'worker-1',
  nodeUid: '99999999-1111-4222-8333-944455556666',
  terminationGraceSeconds: 30,
  stamp,
};

const bound: BindingSpec = {
  address: '10.244.1.7',
  pool: 'pods',
  network: 'default',
  subinstance: 'shop',
  subid: 'cart-0',
  slot: 0,
  resource: { type: 'pod', value: 'shop/cart-0' },
  attachments: [attachment],
  boundAt: 1_795_000_000_123,
  cooldownSeconds: 30,
  stickySeconds: 0,
};

const objectOf = (spec: BindingSpec) => bindingResource.toObject(bindingName(spec.network, spec.address), spec);

describe('bindings', () => {
  test.each<[string, BindingSpec]>([
    ['a pod’s', bound],
    ['an IPv6 one', { ...bound, address: 'fd00::1' }],
    ['one with a tag, a lease and a slot', { ...bound, slot: 3, tags: { app: 'cart', empty: '' }, expiresAt: 1_795_000_100_000 }],
    ['a released one', { ...bound, releasedAt: 1_795_000_200_000, releasedBy: { ...stamp, attempt: 2 } }],
    ['a MAC’s, which has no attachment', { ...bound, attachments: [], resource: { type: 'mac', value: 'aa:bb:cc:00:11:22' } }],
    ['a VM’s during its hand-over', { ...bound, attachments: [attachment, { ...attachment, node: 'worker-2', containerId: 'beef' }] }],
  ])('%s come back as they were', (_title, spec) => {
    expect(bindingResource.toSpec(structuredClone(objectOf(spec)))).toEqual(spec);
  });

  test('repeat what can be selected by: state, node and pod UID of the first attachment', () => {
    expect(objectOf(bound)).toMatchObject({
      apiVersion: 'berth-ipam.dev/v1alpha1',
      kind: 'AddressBinding',
      metadata: { name: 'default.10-244-1-7' },
      spec: { state: 'Bound', node: 'worker-1', podUid: attachment.podUid, boundAt: '2026-11-18T11:06:40.123Z' },
    });
    const { podUid: _podUid, ...container } = attachment;
    expect(objectOf({ ...bound, attachments: [container] }).spec).not.toHaveProperty('podUid');
    const loose = objectOf({ ...bound, attachments: [], releasedAt: 1_795_000_200_000 }).spec;
    expect(loose).toMatchObject({ state: 'Released', releasedAt: '2026-11-18T11:10:00.000Z' });
    expect(Object.keys(loose)).not.toEqual(expect.arrayContaining(['node']));
  });

  test.each([
    ['default.10-244-1-8', {}, 'the binding default.10-244-1-8 says that it holds 10.244.1.7 of network default'],
    ['default.10-244-1-7', { network: 'blue' }, 'the binding default.10-244-1-7 says that it holds 10.244.1.7 of network blue'],
    [
      'default.10-244-1-7',
      { address: '10.244.1' },
      'the binding default.10-244-1-7 holds "10.244.1", which is no address in canonical form',
    ],
    ['default.fd00', { address: 'FD00::1' }, 'the binding default.fd00 holds "FD00::1", which is no address in canonical form'],
    ['default.10-244-1-7', { boundAt: 'yesterday' }, 'the binding default.10-244-1-7 has a time that is none'],
  ])('%s with %j is unreadable', (name, change, message) => {
    const object = objectOf(bound);
    const changed = { ...object, metadata: { name }, spec: { ...object.spec, ...change } };
    expect(() => bindingResource.toSpec(changed)).toThrow(new UnreadableResource(message));
  });
});

describe('pools', () => {
  const input: PoolSpecInput = {
    ranges: [{ cidr: '10.244.0.0/24' }, { first: '10.244.1.10', last: '10.244.1.20' }],
    subnet: '10.244.0.0/16',
    gateway: '10.244.0.1',
    routes: [{ dst: '0.0.0.0/0' }],
    reserved: ['10.244.0.5'],
    namespaceSelector: { matchLabels: { team: 'shop' } },
    limits: { perNode: 100 },
  };

  test('come back as they were; the family is derived, not written', () => {
    const pool = normalisePool('pods', input);
    if (!pool.ok) throw new Error(pool.refusal.detail);
    const object = poolResource.toObject('pods', pool.value);
    expect(object.spec).not.toHaveProperty('family');
    expect(poolResource.toSpec(structuredClone(object))).toEqual(pool.value);
  });

  test('that core refuses are unreadable, with core’s sentence', () => {
    const object = { apiVersion: 'berth-ipam.dev/v1alpha1', kind: 'AddressPool', metadata: { name: 'pods' } } as const;
    expect(() => poolResource.toSpec({ ...object, spec: { ranges: [{ cidr: '10.0.0.0/24' }, { cidr: '10.0.0.128/25' }] } })).toThrow(
      new UnreadableResource('the pool pods cannot be used: 10.0.0.0/24 and 10.0.0.128/25 overlap'),
    );
  });
});

test('the types are those of deploy/crds: after a change there, npm run generate', async () => {
  expect(readFileSync(GENERATED, 'utf8')).toBe(await generateResources());
});
