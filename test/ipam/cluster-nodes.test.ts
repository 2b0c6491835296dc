/** Which of two boots of a node is newer, by what a live read of the Node shows. */
import { expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';

const judge = async (shown: string | undefined, call: string, held?: string) => {
  const workloads = new PretendedWorkloads();
  if (shown !== undefined) workloads.node('n1', { bootId: shown });
  const { verdict, confirmed } = await clusterNodes(workloads).judgeBoot('n1', call, held);
  return [verdict, confirmed];
};

test('where two boots meet, the one that the Node shows is newer; where it shows neither the call is refused (LESSONS R)', async () => {
  expect(await judge('boot-2', 'boot-2', 'boot-1')).toEqual(['current', true]);
  expect(await judge('boot-2', 'boot-1', 'boot-2')).toEqual(['superseded', false]);
  // A call that was delayed over two boots, and the record of the second: the Node shows the third, or still the one before both.
  expect(await judge('boot-3', 'boot-1', 'boot-2')).toEqual(['superseded', false]);
});

test('a call alone is taken, confirmed or not; so is one of a node that shows no boot, or is not there', async () => {
  expect(await judge('boot-1', 'boot-1')).toEqual(['current', true]);
  expect(await judge('boot-1', 'boot-2')).toEqual(['current', false]);
  expect(await judge('', 'boot-2', 'boot-1')).toEqual(['current', false]);
  expect(await judge(undefined, 'boot-2', 'boot-1')).toEqual(['current', false]);
});
