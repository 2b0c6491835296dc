/** Bodies that a test varies. */
import type { CniAdd, CniDel, Stamp } from '../../src/protocol.ts';

export const stamp: Stamp = { bootId: 'boot-1', startedTicks: 100, monotonicNs: '1000', attempt: 0 };

export const cniAdd = (overrides: Partial<CniAdd> = {}): CniAdd => ({
  cniVersion: '1.0.0',
  cniNetwork: 'n1',
  containerId: 'c1',
  ifName: 'eth0',
  stamp,
  ...overrides,
});

export const cniDel = (overrides: Partial<CniDel> = {}): CniDel => cniAdd(overrides);
