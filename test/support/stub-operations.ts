/** Operations that do nothing but what a test says: for faults and answers that the real ones give too seldom to wait for. */
import type { Operations } from '../../src/ipam/operations.ts';

export function stubOperations(overrides: Partial<Operations> = {}): Operations {
  const unasked = (name: string) => (): never => {
    throw new Error(`the test did not expect ${name} to be called`);
  };
  const names = [
    'add',
    'del',
    'check',
    'gc',
    'spool',
    'allocate',
    'release',
    'renew',
    'bindings',
    'binding',
    'explain',
    'explainPod',
    'pool',
    'counts',
    'applyPool',
    'deletePool',
    'checkStore',
    'collect',
  ] as const;
  const stubs = Object.fromEntries(names.map((name) => [name, unasked(name)])) as unknown as Operations;
  return { ...stubs, synced: () => true, pools: () => [], subscribe: () => () => undefined, ...overrides };
}
