/** Which call is of the boot that a node runs, by what a live read of the Node shows. */
import { expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';

const judge = async (shown: string | undefined, call: string, held?: string) => {
  const workloads = new PretendedWorkloads();
  if (shown !== undefined) workloads.node('n1', { bootId: shown });
  return (await clusterNodes(workloads).judgeBoot('n1', call, held)).verdict;
};

test('a call of another boot than the Node shows is refused, whether a record of the node is there or not (LESSONS R)', async () => {
  expect(await judge('boot-2', 'boot-2', 'boot-1')).toBe('current');
  expect(await judge('boot-2', 'boot-1', 'boot-2')).toBe('not shown');
  // A call that was delayed over two boots, and the record of the second: the Node shows the third, or still the one before both.
  expect(await judge('boot-3', 'boot-1', 'boot-2')).toBe('not shown');
  // The first call of a boot that the kubelet has yet to report, and the last of the boot before: nobody can tell them apart.
  expect(await judge('boot-1', 'boot-2')).toBe('not shown');
});

test('a call of the boot that is shown is taken; so is one of a node that shows no boot, but not of one that is not there', async () => {
  expect(await judge('boot-1', 'boot-1')).toBe('current');
  expect(await judge('', 'boot-2', 'boot-1')).toBe('current');
  expect(await judge(undefined, 'boot-2', 'boot-1')).toBe('not shown');
  expect(await judge(undefined, 'boot-2')).toBe('not shown');
});
