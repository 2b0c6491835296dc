/** From records to documents: times, counts, and nothing that could not be put back. */
import { describe, expect, test } from 'vitest';
import { toBindingDocument, toExplanation, toPoolDocument, toReleased } from '../../src/server/documents.ts';
import { toTime } from '../../src/store/documents.ts';
import { stamp } from './requests.ts';

const spec = {
  address: '10.0.0.5',
  pool: 'p',
  network: 'default',
  subinstance: 't',
  subid: 's',
  slot: 0,
  resource: { type: 'pod', value: 'u' },
  attachments: [{ cniNetwork: 'n', ifName: 'eth0', containerId: 'c', node: 'n1', stamp }],
  boundAt: 1_700_000_000_000,
  cooldownSeconds: 30,
  stickySeconds: 0,
} as const;
const stored = { name: 'default.10-0-0-5', uid: 'u1', version: '7', spec };

describe('documents', () => {
  test('a binding', () => {
    expect(
      toBindingDocument({ ...stored, spec: { ...spec, expiresAt: 1_700_000_060_000, releasedAt: 1_700_000_001_500, releasedBy: stamp } }),
    ).toEqual({
      apiVersion: 'berth-ipam.dev/v1alpha1',
      kind: 'AddressBinding',
      metadata: { name: 'default.10-0-0-5', uid: 'u1', resourceVersion: '7' },
      spec: {
        ...spec,
        boundAt: '2023-11-14T22:13:20.000Z',
        expiresAt: '2023-11-14T22:14:20.000Z',
        releasedAt: '2023-11-14T22:13:21.500Z',
        releasedBy: stamp,
      },
    });
    expect(Object.keys(toBindingDocument(stored).spec)).not.toContain('expiresAt');
  });

  test('a pool: no derived family, counts as text', () => {
    const pool = { network: 'default', ranges: [{ cidr: 'fd00::/48' }], family: 'IPv6' } as never;
    const counts = { total: 2n ** 80n, allocated: 1n, reserved: 2n, cooling: 0n, available: 2n ** 80n - 3n };
    expect(toPoolDocument({ ...stored, name: 'six', spec: pool }, counts)).toEqual({
      apiVersion: 'berth-ipam.dev/v1alpha1',
      kind: 'AddressPool',
      metadata: { name: 'six', uid: 'u1', resourceVersion: '7' },
      spec: { network: 'default', ranges: [{ cidr: 'fd00::/48' }] },
      status: { total: '1208925819614629174706176', allocated: '1', reserved: '2', cooling: '0', available: '1208925819614629174706173' },
    });
  });

  test('what was released, and an explanation', () => {
    expect(toReleased([spec])).toEqual({
      released: [{ address: '10.0.0.5', network: 'default', pool: 'p', subinstance: 't', subid: 's' }],
    });
    const explanation = toExplanation({
      address: '10.0.0.5',
      network: 'default',
      state: 'cooling',
      detail: 'd',
      availableAt: 0,
      binding: stored,
    });
    expect(explanation).toMatchObject({ state: 'cooling', availableAt: '1970-01-01T00:00:00.000Z', binding: { kind: 'AddressBinding' } });
  });

  test.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [1.9, '1970-01-01T00:00:00.001Z'],
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
    [1e300, '+275760-09-13T00:00:00.000Z'],
    [-1e300, '-271821-04-20T00:00:00.000Z'],
  ])('the time %d is %s: a clock gone wild breaks no listing', (milliseconds, text) => {
    expect(toTime(milliseconds)).toBe(text);
  });
});
