/** Leader election on virtual time, against a pretended API server. */
import { describe, expect, test } from 'vitest';
import { startElection, type Election } from '../../src/kubernetes/leader.ts';
import { LEASES } from '../../src/kubernetes/objects.ts';
import type { Timers } from '../../src/core/clock.ts';
import { clientOf, seededRandom, silentLog } from '../support/cluster-client.ts';
import { PretendedApiServer, randomFaults, type Fault } from '../support/pretended-api-server.ts';
import { stallable } from '../support/stallable.ts';
import { settle, virtualTimers } from '../support/virtual-timers.ts';

const LEASE = 'berth/leader';

interface Options {
  readonly seed?: number;
  readonly fault?: () => Fault | undefined;
  readonly latencyMs?: () => number;
}

function makeWorld({ seed = 1, ...options }: Options = {}) {
  const timers = virtualTimers();
  const random = seededRandom(seed);
  const server = new PretendedApiServer({ timers, random, ...options });
  const candidate = (identity: string, own: Timers = timers) => {
    const changes: boolean[] = [];
    const election = startElection({
      client: clientOf(server, own, random),
      namespace: 'berth',
      name: 'leader',
      identity,
      timers: own,
      random,
      log: silentLog,
      changed: (leads) => changes.push(leads),
    });
    return Object.assign(election, { identity, changes });
  };
  const holder = () => server.object<any>(LEASES, LEASE)?.spec.holderIdentity as string | undefined;
  return { timers, server, candidate, holder };
}

const leaders = (candidates: readonly (Election & { identity: string })[]) =>
  candidates.filter((candidate) => candidate.leads()).map(({ identity }) => identity);

/** `a` led and has stood still for a minute, in which `b` took over. */
async function stallLeader() {
  const world = makeWorld();
  const { timers, candidate } = world;
  const slow = stallable(timers);
  const a = candidate('a', slow);
  await timers.advance(1_000);
  const b = candidate('b');
  await timers.advance(4_000);
  slow.stall();
  await timers.advance(60_000);
  return { ...world, slow, a, b };
}

describe('leader election', () => {
  test('one candidate leads at once, renews, and gives the lease back when it stops', async () => {
    const { timers, server, candidate, holder } = makeWorld();
    const a = candidate('a');
    expect(a.leads()).toBe(false);
    await timers.advance(1);
    expect([a.leads(), a.changes, holder()]).toEqual([true, [true], 'a']);
    const first = server.object<any>(LEASES, LEASE);
    await timers.advance(60_000);
    const renewed = server.object<any>(LEASES, LEASE);
    expect([a.leads(), a.changes, renewed.spec.renewTime > first.spec.renewTime]).toEqual([true, [true], true]);
    expect(renewed.spec).toMatchObject({ acquireTime: first.spec.acquireTime, leaseDurationSeconds: 15, leaseTransitions: 0 });
    const stopped = a.stop();
    await timers.advance(0);
    await stopped;
    expect([a.leads(), a.changes, holder()]).toEqual([false, [true, false], '']);
  });

  test('of three one leads, and when it stops another does within a retry', async () => {
    const { timers, candidate } = makeWorld();
    const all = [candidate('a'), candidate('b'), candidate('c')];
    await timers.advance(30_000);
    const [first] = leaders(all);
    expect(leaders(all)).toEqual([first]);
    expect(all.map((one) => one.leader())).toEqual([first, first, first]);
    const stopped = all.find(({ identity }) => identity === first)!.stop();
    await timers.advance(2_500);
    await stopped;
    expect(leaders(all).length).toBe(1);
    expect(leaders(all)).not.toEqual([first]);
  });

  test('a leader that dies without a word is followed after its lease, not before', async () => {
    const { timers, candidate } = makeWorld();
    const dying = stallable(timers);
    const a = candidate('a', dying);
    await timers.advance(1_000);
    const b = candidate('b');
    await timers.advance(5_000);
    dying.stall();
    await timers.advance(12_900);
    expect(b.leads()).toBe(false);
    await timers.advance(5_000);
    expect([a.leads(), b.leads()]).toEqual([false, true]);
  });

  test('one that was stalled for longer than the lease knows at once that it does not lead, and does not take it back', async () => {
    const { timers, holder, slow, a, b } = await stallLeader();
    expect(b.leads()).toBe(true);
    expect(a.leads()).toBe(false); // before any of its timers has run
    slow.resume();
    await settle();
    await timers.advance(30_000);
    expect([a.leads(), b.leads(), a.changes, holder()]).toEqual([false, true, [true, false], 'b']);
  });

  test('an outage longer than ten seconds ends leadership, and its end begins it again', async () => {
    const { timers, server, candidate } = makeWorld();
    const a = candidate('a');
    await timers.advance(1_000);
    server.stop();
    await timers.advance(8_900);
    expect(a.leads()).toBe(true);
    await timers.advance(2_500);
    expect([a.leads(), a.changes]).toEqual([false, [true, false]]);
    await timers.advance(600_000);
    server.start();
    await timers.advance(20_000);
    expect([a.leads(), a.changes]).toEqual([true, [true, false, true]]);
  });

  test('an outage of five seconds changes nothing', async () => {
    const { timers, server, candidate } = makeWorld();
    const a = candidate('a');
    const b = candidate('b');
    await timers.advance(1_000);
    server.stop();
    await timers.advance(5_000);
    server.start();
    await timers.advance(60_000);
    expect([...a.changes, ...b.changes]).toEqual([true]);
  });

  test('a server that never answers does not keep leadership up', async () => {
    let hangs = false;
    const { timers, candidate } = makeWorld({ fault: () => (hangs ? { kind: 'hangs', done: false } : undefined) });
    const a = candidate('a');
    await timers.advance(1_000);
    hangs = true;
    await timers.advance(10_500);
    expect([a.leads(), a.changes]).toEqual([false, [true, false]]);
  });

  test('wall clocks ten minutes apart, and jumping, do not matter', async () => {
    const { timers, candidate } = makeWorld();
    const ahead: Timers = { now: () => timers.now() + 600_000, monotonic: timers.monotonic, after: timers.after };
    const all = [candidate('a'), candidate('b', ahead)];
    await timers.advance(20_000);
    const [first] = leaders(all);
    timers.jumpWall(-3_600_000);
    await timers.advance(60_000);
    expect(leaders(all)).toEqual([first]);
  });

  test('one that stops gives back what it has just made, or has just taken over', async () => {
    const { timers, candidate, holder } = makeWorld();
    const a = candidate('a');
    await timers.advance(1);
    const stop = async (one: Election): Promise<void> => {
      const stopped = one.stop();
      await timers.advance(0);
      await stopped;
    };
    await stop(a);
    expect(holder()).toBe('');
    const b = candidate('b');
    await timers.advance(1);
    expect([b.leads(), holder()]).toEqual([true, 'b']);
    await stop(b);
    expect(holder()).toBe('');
  });

  test('one that was stalled, and stops before it has heard that another leads, gives nothing of that one’s back', async () => {
    const { timers, holder, slow, a, b } = await stallLeader();
    const stopped = a.stop();
    slow.resume();
    await timers.advance(0);
    await stopped;
    expect([b.leads(), holder()]).toEqual([true, 'b']);
  });

  test('one whose lease has been given to another leads no more from when it sees that', async () => {
    const { timers, server, candidate } = makeWorld();
    const a = candidate('a');
    await timers.advance(1_000);
    const lease = server.object<any>(LEASES, LEASE);
    server.put(LEASES, { ...lease, spec: { ...lease.spec, holderIdentity: 'other' } });
    await timers.advance(3_000);
    expect([a.leads(), a.changes, a.leader()]).toEqual([false, [true, false], 'other']);
  });

  test('a lease that somebody deletes is made again', async () => {
    const { timers, server, candidate, holder } = makeWorld();
    const a = candidate('a');
    await timers.advance(1_000);
    server.delete(LEASES, LEASE);
    await timers.advance(3_000);
    expect([a.leads(), holder()]).toEqual([true, 'a']);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'never two at once, and somebody in the end, whatever the API server does (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      const faults = randomFaults(random, 0.3);
      let faulty = true;
      const { timers, server, candidate } = makeWorld({
        seed,
        fault: () => (faulty ? faults({ method: 'GET', path: '/' }) : undefined),
        latencyMs: () => random() * 200,
      });
      const clocks = ['a', 'b', 'c'].map(() => stallable(timers));
      const all = clocks.map((clock, index) => candidate('abc'[index]!, clock));
      const stalled = new Set<number>();
      let led = 0;
      for (let second = 0; second < 600; second++) {
        const index = Math.floor(random() * 3);
        if (random() < 0.03 && !stalled.has(index)) {
          clocks[index]!.stall();
          stalled.add(index);
        } else if (random() < 0.1 && stalled.has(index)) {
          clocks[index]!.resume();
          stalled.delete(index);
        }
        if (random() < 0.01) server.restart();
        await timers.advance(1_000);
        const now = leaders(all);
        expect(now.length, `leaders after ${second} s: ${now.join(', ')}`).toBeLessThanOrEqual(1);
        led += now.length;
      }
      expect(led).toBeGreaterThan(0);
      faulty = false;
      for (const index of stalled) clocks[index]!.resume();
      await timers.advance(60_000);
      expect(leaders(all).length).toBe(1);
    },
  );
});
