/** The status of pools on virtual time: how often it is written, and what the conditions say. */
import { describe, expect, test } from 'vitest';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { openIpam } from '../../src/ipam/open.ts';
import { ADDRESS_POOLS, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import { keepPoolStatus } from '../../src/kubernetes/pool-status.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import { clientOf, recordingLog, seededRandom } from '../support/cluster-client.ts';
import { take } from '../support/ipam-world.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { PretendedWorkloads } from '../support/pretended-workloads.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

interface Pool extends KubernetesObject {
  readonly spec: Record<string, any>;
  readonly status?: Record<string, any> & { readonly conditions?: readonly Record<string, any>[] };
}

async function open() {
  const timers = virtualTimers();
  const log = recordingLog();
  const written: number[] = [];
  const server = new PretendedApiServer({
    timers,
    random: seededRandom(1),
    onCommit: ({ object, previous }) => {
      if (object.kind === 'AddressPool' && (object as Pool).status !== (previous as Pool | undefined)?.status)
        written.push(timers.monotonic());
    },
  });
  const client = clientOf(server, timers);
  const random = seededRandom(2);
  const workloads = new PretendedWorkloads();
  let leads = true;
  const ipam = openIpam({
    store: openKubernetesStore({ client, timers, random, log }),
    nodes: clusterNodes(workloads),
    timers,
    log,
    cluster: { workloads, leads: () => leads, nodeGoneAfterMs: 60_000 },
  });
  const stop = keepPoolStatus({ client, ipam, leads: () => leads, timers, log });
  const put = (name: string, spec: object): void => void server.put(ADDRESS_POOLS, { metadata: { name }, spec } as KubernetesObject);
  const pool = (name = 'p'): Pool => server.object<Pool>(ADDRESS_POOLS, name)!;
  const condition = (type: string, name = 'p') => pool(name).status?.conditions?.find((one) => one['type'] === type);
  const hold = async (subid: string): Promise<void> =>
    void take(await ipam.allocate({ subinstance: 't', subid, resource: { type: 'vm', value: subid }, pools: ['p'] }));
  return { timers, server, ipam, log, written, put, pool, condition, hold, stop, setLeads: (value: boolean) => (leads = value) };
}

const SMALL = { ranges: [{ first: '10.0.0.10', last: '10.0.0.12' }], cooldownSeconds: 3_600 };

describe('the status of a pool', () => {
  test('is written at most every five seconds however much changes, and not at all while nothing does', async () => {
    const { timers, written, put, pool, hold } = await open();
    put('p', { ranges: [{ cidr: '10.0.0.0/24' }] });
    await timers.advance(10_000);
    written.length = 0;
    for (let index = 0; index < 100; index++) {
      await hold(`s${index}`);
      await timers.advance(300);
    }
    expect(written.length).toBeGreaterThanOrEqual(5);
    for (const [index, at] of written.entries()) if (index > 0) expect(at - written[index - 1]!).toBeGreaterThanOrEqual(5_000);
    await timers.advance(10_000);
    expect(pool().status).toMatchObject({ allocated: '100', total: '256', available: '153', reserved: '3' });
    written.length = 0;
    await timers.advance(3_600_000);
    expect(written).toEqual([]);
  });

  test('is about the generation that was judged; a change of the spec is judged within five seconds', async () => {
    const { timers, put, pool, condition } = await open();
    put('p', SMALL);
    await timers.advance(10_000);
    const since = condition('Ready')!['lastTransitionTime'] as string;
    expect([pool().status!['observedGeneration'], condition('Ready')]).toMatchObject([1, { status: 'True', reason: 'Active' }]);
    for (const [generation, state] of [
      [2, 'NoNew'],
      [3, 'Draining'],
      [4, 'Active'],
    ] as const) {
      put('p', { ...SMALL, state });
      await timers.advance(6_000);
      expect([pool().metadata.generation, pool().status!['observedGeneration']]).toEqual([generation, generation]);
      const ready = condition('Ready')!;
      expect(ready).toMatchObject({ status: 'True', reason: state, observedGeneration: generation, lastTransitionTime: since });
      expect(ready['message']).toContain(state === 'Active' ? 'hands out addresses' : `its state is ${state}`);
    }
  });

  test('Exhausted when nothing is left, and while the last ones cool; its time is that of the change', async () => {
    const { timers, put, condition, hold, ipam } = await open();
    put('p', { ...SMALL, whenFull: 'Wait' });
    await timers.advance(10_000);
    expect(condition('Exhausted')).toMatchObject({ status: 'False', reason: 'Available' });
    const before = condition('Exhausted')!['lastTransitionTime'] as string;
    for (const subid of ['a', 'b', 'c']) await hold(subid);
    await timers.advance(10_000);
    expect(condition('Exhausted')).toMatchObject({ status: 'True', reason: 'NothingLeft', message: 'nothing is left' });
    expect(condition('Exhausted')!['lastTransitionTime'] > before).toBe(true);
    take(await ipam.release({ subinstance: 't', subid: 'a' }));
    await timers.advance(10_000);
    expect(condition('Exhausted')).toMatchObject({ status: 'True', message: 'nothing is left but what cools' });
  });

  test('a pool that the schema let through and the controller cannot use is not Ready, and says why; it serves nobody', async () => {
    const { timers, put, pool, condition, ipam, log } = await open();
    put('p', { ranges: [{ cidr: 'fd00::/64' }], reserved: ['fd00::9-fd00::5'] });
    put('other', SMALL);
    await timers.advance(10_000);
    expect(condition('Ready')).toMatchObject({
      status: 'False',
      reason: 'Invalid',
      message: 'the pool p cannot be used: spec.reserved: the range is reversed: fd00::9 comes after fd00::5',
    });
    expect(pool().status).not.toHaveProperty('total');
    expect(condition('Ready', 'other')).toMatchObject({ status: 'True' });
    expect(ipam.pool('p').ok).toBe(false);
    expect(log.entries.some(({ message, fields }) => message === 'an object cannot be read' && fields['name'] === 'p')).toBe(true);
    put('p', { ranges: [{ cidr: 'fd00::/64' }], reserved: ['fd00::5-fd00::9'] });
    await timers.advance(10_000);
    expect(condition('Ready')).toMatchObject({ status: 'True', reason: 'Active' });
  });

  test('only the leader writes it, and a right that is missing is named', async () => {
    const { timers, server, put, pool, log, setLeads } = await open();
    setLeads(false);
    put('p', SMALL);
    await timers.advance(60_000);
    expect(pool()).not.toHaveProperty('status.total');
    setLeads(true);
    server.forbid('patch', ADDRESS_POOLS);
    await timers.advance(10_000);
    expect(pool()).not.toHaveProperty('status.total');
    expect(log.entries.at(-1)?.fields['detail']).toContain('the right to patch addresspools/status.berth-ipam.dev is missing');
    server.allow('patch', ADDRESS_POOLS);
    await timers.advance(10_000);
    expect(pool().status).toMatchObject({ total: '3' });
  });
});
