/**
 * Two replicas on one store whose watch lags and whose answers are late, lost or ambiguous; runtimes that retry through
 * the other replica, delete before the answer, delete thrice, and re-create the same pod. Seeded: a failure names its seed.
 * What is checked is what the sandboxes believe, not what the replicas do.
 */
import { expect, test } from 'vitest';
import { openIpam, type Ipam } from '../../src/ipam/open.ts';
import type { Stamp } from '../../src/protocol.ts';
import { createMemoryStore, type MemoryFault } from '../../src/store/memory-store.ts';
import { seededRandom } from '../support/cluster-client.ts';
import { PretendedNodes, silentLog, take } from '../support/ipam-world.ts';
import { settle, virtualTimers } from '../support/virtual-timers.ts';

const SEEDS = 60;
const STEPS = 120;

async function storm(seed: number): Promise<{ added: number; deleted: number; refused: number }> {
  const next = seededRandom(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  const timers = virtualTimers();
  const later = <T>(most: number, value: T): Promise<T> => new Promise((resolve) => void timers.after(below(most), () => resolve(value)));
  const faults: (MemoryFault | undefined)[] = ['unavailable', 'lost', 'unanswered', undefined, undefined, undefined, undefined, undefined];
  let calm = false;
  const lagging: (() => void)[] = [];
  const store = createMemoryStore({
    fault: ({ collection }) => (calm || collection === 'pools' ? undefined : later(40, faults[below(faults.length)])),
    lag: (deliver) => void (calm ? deliver() : lagging.push(deliver)),
  });
  // Watch events are handed over in order, a few at a time, now and then.
  const flush = (most: number) => {
    for (const deliver of lagging.splice(0, most)) deliver();
  };
  const nodes = new PretendedNodes();
  const open = (): Ipam => openIpam({ store, nodes, timers, log: silentLog });
  const replicas = [open(), open()];
  for (let turn = 0; turn < 50 && !replicas.every((replica) => replica.synced()); turn++) {
    flush(100);
    await settle();
  }
  for (const spec of [{ ranges: [{ cidr: '10.0.0.0/28' }], cooldownSeconds: below(3), default: true }])
    take(await replicas[0]!.applyPool('p', spec));
  for (let turn = 0; turn < 5; turn++) {
    flush(100);
    await settle();
  }

  let tick = 100;
  const stamp = (attempt = 0): Stamp => ({ bootId: 'b', startedTicks: ++tick, monotonicNs: String(tick), attempt });
  const caller = { node: 'n1', gone: () => false };
  const key = (containerId: string) => ({ cniVersion: '1.0.0', cniNetwork: 'net', containerId, ifName: 'eth0' });
  /** What each live sandbox has been told it has. */
  const believed = new Map<string, string>();
  const ended = new Set<string>();
  const counts = { added: 0, deleted: 0, refused: 0 };
  const under: Promise<unknown>[] = [];

  const addSandbox = async (id: string, uid: string): Promise<void> => {
    const first = stamp();
    for (let attempt = 0; attempt < 3; attempt++) {
      const outcome = await replicas[below(2)]!.add(caller, {
        ...key(id),
        pod: { namespace: 'ns', name: uid, uid },
        stamp: { ...first, attempt },
      });
      // The runtime has given this sandbox up meanwhile: nobody reads the answer.
      if (ended.has(id)) return;
      if (outcome.ok) {
        counts.added++;
        const address = outcome.value.addresses[0]!.address;
        for (const [other, held] of believed) {
          if (held === address && other !== id && !ended.has(other))
            throw new Error(`seed ${seed}: ${other} and ${id} both have ${address}`);
        }
        believed.set(id, address);
        return;
      }
      counts.refused++;
      if (outcome.refusal.reason !== 'Unavailable') return;
    }
  };
  const delSandbox = async (id: string): Promise<void> => {
    // The sandbox is stopped before its DEL is sent: from here on it uses nothing.
    believed.delete(id);
    ended.add(id);
    for (let attempt = 0; attempt < 20; attempt++) {
      const outcome = await replicas[below(2)]!.del(caller, { ...key(id), stamp: stamp() });
      if (outcome.ok) {
        counts.deleted++;
        return;
      }
    }
  };

  let made = 0;
  const live: { id: string; uid: string }[] = [];
  for (let step = 0; step < STEPS; step++) {
    const what = next();
    if (what < 0.5) {
      // Half of them are a further sandbox of a pod that has one: the runtime stops the old one first.
      const again = next() < 0.5 && live.length > 0 ? live.splice(below(live.length), 1)[0] : undefined;
      if (again !== undefined) under.push(delSandbox(again.id));
      const sandbox = { id: `c${++made}`, uid: again?.uid ?? `u${made}` };
      live.push(sandbox);
      under.push(addSandbox(sandbox.id, sandbox.uid));
    } else if (what < 0.8 && live.length > 0) {
      const { id } = live.splice(below(live.length), 1)[0]!;
      for (let times = 0; times <= below(3); times++) under.push(delSandbox(id));
    }
    flush(below(4));
    await timers.advance(below(30));
  }
  calm = true;
  for (let turn = 0; turn < 200; turn++) {
    flush(100);
    await timers.advance(1000);
  }
  await Promise.all(under);
  await settle();

  const bound = (await store.bindings.list()).filter(({ spec }) => spec.releasedAt === undefined);
  for (const { spec } of bound) {
    const { containerId } = spec.attachments[0]!;
    if (ended.has(containerId)) throw new Error(`seed ${seed}: ${containerId} was deleted and still holds ${spec.address}`);
  }
  for (const [id, address] of believed) {
    if (!bound.some(({ spec }) => `${spec.address}/28` === address && spec.attachments[0]!.containerId === id))
      throw new Error(`seed ${seed}: ${id} believes in ${address}, which is not its`);
  }
  for (const replica of replicas) {
    const report = await replica.checkStore({ repair: false, dryRun: false });
    if (report.findings.length > 0) throw new Error(`seed ${seed}: ${JSON.stringify(report.findings)}`);
    await replica.close();
  }
  return counts;
}

test(`${SEEDS} storms over two lagging replicas: no address has two holders, none is leaked, none lost`, { timeout: 120_000 }, async () => {
  const total = { added: 0, deleted: 0, refused: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const counts = await storm(seed);
    total.added += counts.added;
    total.deleted += counts.deleted;
    total.refused += counts.refused;
  }
  // The storm really was one.
  expect(total.added).toBeGreaterThan(SEEDS * 10);
  expect(total.deleted).toBeGreaterThan(SEEDS * 10);
  expect(total.refused).toBeGreaterThan(SEEDS);
});
