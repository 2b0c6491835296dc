/**
 * Leader election by a Lease on a real API server: one of three leads, one that is stalled loses it, one that stops hands
 * it on. Time runs three times as fast, or this would take minutes.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import type { Timers } from '../../src/core/clock.ts';
import { startElection, type Election } from '../../src/kubernetes/leader.ts';
import { openCluster } from '../../src/kubernetes/open-client.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { silentLog } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';

const NAMESPACE = 'election';
const SPEED = 3;

/** A process of its own, which can be made to stand still: what falls due meanwhile runs when it goes on. */
function standing(): Timers & { stall(): void; resume(): void } {
  let held: (() => void)[] | undefined;
  return {
    now: () => systemTimers.now(),
    monotonic: () => systemTimers.monotonic() * SPEED,
    after: (ms, callback) => systemTimers.after(ms / SPEED, () => void (held === undefined ? callback() : held.push(callback))),
    stall: () => (held = []),
    resume: () => {
      const callbacks = held ?? [];
      held = undefined;
      for (const callback of callbacks) callback();
    },
  };
}

describeCluster('who leads', () => {
  type Candidate = Election & { readonly identity: string; readonly timers: ReturnType<typeof standing> };
  const candidates: Candidate[] = [];
  const closes: (() => Promise<void>)[] = [];
  /** How many led at each look: one at most, whenever one looks. */
  let most = 0;

  beforeAll(async () => {
    await request('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    for (const identity of ['a', 'b', 'c']) {
      const timers = standing();
      const random = (): number => Math.random();
      // The API server is not three times as fast, so the client keeps the usual time.
      const { client, close } = openCluster({ kubeconfigFile: apiServer().kubeconfig, timers: systemTimers, random });
      const election = startElection({ client, namespace: NAMESPACE, name: 'leader', identity, timers, random, log: silentLog });
      candidates.push(Object.assign(election, { identity, timers }));
      closes.push(close);
    }
  });
  afterAll(async () => {
    for (const candidate of candidates) await candidate.stop();
    for (const close of closes) await close();
  });

  const leaders = (): Candidate[] => {
    const found = candidates.filter((candidate) => candidate.leads());
    most = Math.max(most, found.length);
    return found;
  };
  const leaderOtherThan = (...others: Candidate[]): Promise<Candidate> =>
    eventually(() => leaders().find((one) => !others.includes(one)), 'another one to lead');
  const lease = async (): Promise<Record<string, any>> =>
    (await request('GET', `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/leader`)).json.spec;

  test('one leads; stalled, another one does, and it does not when it goes on; one that stops hands it on', async () => {
    const first = await leaderOtherThan();
    expect(await lease()).toMatchObject({ holderIdentity: first.identity, leaseDurationSeconds: 15 });
    await eventually(() => candidates.every((candidate) => candidate.leader() === first.identity), 'all to know who leads');

    first.timers.stall();
    const second = await leaderOtherThan(first);
    expect(await lease()).toMatchObject({ holderIdentity: second.identity });
    first.timers.resume();
    await eventually(() => first.leader() === second.identity, 'the stalled one to learn who leads');
    expect(leaders()).toEqual([second]);

    await second.stop();
    expect(second.leads()).toBe(false);
    const third = await leaderOtherThan(second);
    expect(await lease()).toMatchObject({ holderIdentity: third.identity });
    expect(most).toBe(1);
  });
});
