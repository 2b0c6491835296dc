/**
 * Leader election by a Lease on a real API server: one of three leads, one that is stalled loses it, one that stops hands
 * it on. Time runs three times as fast, or this would take minutes.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { startElection, type Election } from '../../src/kubernetes/leader.ts';
import { openCluster } from '../../src/kubernetes/open-client.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { silentLog } from '../support/cluster-client.ts';
import { makeNamespace } from '../support/cluster-workloads.ts';
import { eventually } from '../support/eventually.ts';
import { stallable } from '../support/stallable.ts';
import { fastTimers } from './fast-controller.ts';

const NAMESPACE = 'election';
const SPEED = 3;

describeCluster('who leads', () => {
  type Candidate = Election & { readonly identity: string; readonly timers: ReturnType<typeof stallable> };
  const candidates: Candidate[] = [];
  const closes: (() => Promise<void>)[] = [];
  /** How many led at each look: one at most, whenever one looks. */
  let most = 0;

  beforeAll(async () => {
    await makeNamespace(NAMESPACE);
    for (const identity of ['a', 'b', 'c']) {
      const timers = stallable(fastTimers(SPEED));
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
