/** Controllers whose wall clocks are twenty minutes apart: nothing that they agree on compares clocks (LESSONS L). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ipam } from '../../src/ipam/open.ts';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { cniAdd, cniDel, stamp } from '../server/requests.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { makeNamespace, makeNode, makePod, newBootId } from '../support/cluster-workloads.ts';
import { eventually } from '../support/eventually.ts';
import { openFastController } from './fast-controller.ts';

const TEN_MINUTES = 600_000;
const COOLDOWN_SECONDS = 30; // Three seconds here, where time runs ten times as fast.

describeCluster('controllers whose clocks are wrong', () => {
  const bootId = newBootId();
  const uids: string[] = [];
  const closes: (() => Promise<void>)[] = [];
  let ahead: Ipam;
  let behind: Ipam;

  beforeAll(async () => {
    await makeNamespace('clocks');
    const node = await makeNode('clock-node', bootId);
    const spec = {
      ranges: [{ first: '10.84.0.10', last: '10.84.0.11' }],
      subnet: '10.84.0.0/24',
      default: true,
      cooldownSeconds: COOLDOWN_SECONDS,
      whenFull: 'Wait',
    };
    expect((await request('POST', POOLS, pool(spec, 'clocks'))).status).toBe(201);
    for (let index = 0; index < 3; index++) uids.push(await makePod('clocks', `p-${index}`, 'clock-node'));
    const stopRenewing = node.keepRenewing();
    const opened = [await openFastController(apiServer().kubeconfig, TEN_MINUTES), await openFastController(apiServer().kubeconfig, -TEN_MINUTES)]; // prettier-ignore
    [ahead, behind] = [opened[0]!.ipam, opened[1]!.ipam];
    closes.push(async () => stopRenewing(), ...opened.map(({ close }) => close));
  });
  afterAll(async () => {
    for (const close of closes) await close();
    for (const path of [BINDINGS, POOLS]) await request('DELETE', path);
  });

  const caller = { node: 'clock-node', gone: () => false };
  let ticks = 1_000;
  const add = (ipam: Ipam, index: number) =>
    ipam.add(
      caller,
      cniAdd({
        containerId: `c-${index}`,
        pod: { namespace: 'clocks', name: `p-${index}`, uid: uids[index]! },
        stamp: { ...stamp, bootId, startedTicks: ++ticks },
      }),
    );
  const del = (ipam: Ipam, index: number) =>
    ipam.del(caller, cniDel({ containerId: `c-${index}`, stamp: { ...stamp, bootId, startedTicks: ++ticks } }));

  test.each([
    ['released by the one that is ahead', () => [ahead, behind]],
    ['released by the one that is behind', () => [behind, ahead]],
  ] as const)('a released address cools as long for both: %s', async (_name, pick) => {
    const [releasing, dealing] = pick() as [Ipam, Ipam];
    const given = [await add(releasing, 0), await add(dealing, 1)];
    expect(given.map(({ ok }) => ok)).toEqual([true, true]);
    // Each knows what the other gave.
    await eventually(async () => (await add(dealing, 2)).ok === false, 'the pool to be full for the other too');
    expect((await del(releasing, 0)).ok).toBe(true);
    const released = performance.now();
    for (const ipam of [releasing, dealing]) expect(await add(ipam, 2)).toMatchObject({ ok: false, refusal: { reason: 'PoolFull' } });
    await eventually(async () => (await add(dealing, 2)).ok, 'the address to have cooled', 60_000);
    expect(performance.now() - released).toBeGreaterThan((COOLDOWN_SECONDS * 1_000) / 10 - 500);

    for (const index of [1, 2]) expect((await del(dealing, index)).ok).toBe(true);
    await eventually(async () => (await request('GET', BINDINGS)).json.items.length === 0, 'the records to be swept away', 60_000);
  });
});
