/**
 * What every Store must keep, as a suite for any test runner that has `test` and an `expect` with `toEqual`
 * (vitest, jest, bun and others):
 *
 *   testStoreContract({ test, expect, pause }, async () => ({ store: await openMine(), dispose: … }));
 */
import type { BindingSpec } from '../core/binding.ts';
import type { PoolSpec } from '../core/pool-spec.ts';
import type { Collection, Store, StoreEvent, Stored, Written } from './store.ts';

export type ContractExpect = (actual: unknown, message?: string) => { toEqual(expected: unknown): void };

export interface ContractRunner {
  test(name: string, body: () => Promise<void>): void;
  readonly expect: ContractExpect;
  /** Waits a few milliseconds of real time, so that a watch can deliver. */
  pause(): Promise<void>;
}

export interface ContractSubject {
  /** Empty. */
  readonly store: Store;
  dispose?(): Promise<void>;
}

const NETWORK = 'contract';

/** The name a binding has: network and address, DNS-safe (IPv4 only here). */
export const contractName = (host: number): string => `${NETWORK}.10-0-${host >> 8}-${host & 255}`;

/** A binding of the address 10.0.x.y. */
export const contractBinding = (host: number, subid: string): BindingSpec => ({
  address: `10.0.${host >> 8}.${host & 255}`,
  pool: 'blue',
  network: NETWORK,
  subinstance: 'tenant',
  subid,
  slot: 0,
  resource: { type: 'vm', value: subid },
  attachments: [],
  boundAt: 1_700_000_000_000,
  cooldownSeconds: 60,
  stickySeconds: 0,
});

/** A pool of those addresses. */
export const contractPool: PoolSpec = {
  network: NETWORK,
  family: 'IPv4',
  ranges: [{ cidr: '10.0.0.0/16' }],
  placement: 'Home',
  cooldownSeconds: 60,
  whenFull: 'Reuse',
  stickySeconds: 0,
  priority: 0,
  default: false,
  requestedAddresses: 'Forbidden',
  state: 'Active',
};

export function testStoreContract(runner: ContractRunner, open: () => Promise<ContractSubject>): void {
  const { expect, pause } = runner;

  const contract = (name: string, body: (store: Store) => Promise<void>): void =>
    runner.test(name, async () => {
      const subject = await open();
      try {
        await body(subject.store);
      } finally {
        await subject.store.close();
        await subject.dispose?.();
      }
    });

  /** Waits until the condition holds, ten seconds at the very least, and goes on either way: what follows asserts. */
  const until = async (condition: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 5_000 && !condition(); turn++) await pause();
  };

  const written = <T>(result: Written<T>): Stored<T> => {
    expect(result.ok, JSON.stringify(result)).toEqual(true);
    return (result as { stored: Stored<T> }).stored;
  };

  /** A conflict of that kind; where the store tells what is there now, it tells the truth. */
  const refused = async <T>(collection: Collection<T>, result: Written<T>, name: string, conflict: string): Promise<void> => {
    expect(result.ok).toEqual(false);
    if (result.ok) return;
    expect(result.conflict).toEqual(conflict);
    if (result.current) expect(result.current).toEqual(await collection.get(name));
  };

  contract('a created record can be read by name and in the list', async ({ bindings }) => {
    const stored = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    expect([stored.name, stored.spec]).toEqual([contractName(1), contractBinding(1, 'a')]);
    expect([stored.uid.length > 0, stored.version.length > 0]).toEqual([true, true]);
    expect(await bindings.get(contractName(1))).toEqual(stored);
    expect(await bindings.list()).toEqual([stored]);
  });

  contract('a name that was never created is undefined, and the list of nothing is empty', async ({ bindings }) => {
    expect(await bindings.get(contractName(1))).toEqual(undefined);
    expect(await bindings.list()).toEqual([]);
  });

  contract('create does not touch a record that exists', async ({ bindings }) => {
    const first = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    await refused(bindings, await bindings.create(contractName(1), contractBinding(1, 'b')), contractName(1), 'Exists');
    expect(await bindings.get(contractName(1))).toEqual(first);
  });

  contract('replace keeps the uid and changes the version', async ({ bindings }) => {
    const first = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    const second = written(await bindings.replace(first, contractBinding(1, 'b')));
    expect([second.name, second.uid, second.spec.subid]).toEqual([first.name, first.uid, 'b']);
    expect(second.version === first.version).toEqual(false);
    expect(await bindings.get(contractName(1))).toEqual(second);
  });

  contract('replacing a record by an equal one changes the version too', async ({ bindings }) => {
    const first = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    const second = written(await bindings.replace(first, { ...contractBinding(1, 'a'), tags: { n: '1' } }));
    await refused(bindings, await bindings.replace(first, contractBinding(1, 'c')), contractName(1), 'Changed');
    const third = written(await bindings.replace(second, contractBinding(1, 'a')));
    expect(new Set([first.version, second.version, third.version]).size).toEqual(3);
  });

  contract('replace and remove of an outdated version are refused and change nothing', async ({ bindings }) => {
    const first = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    const second = written(await bindings.replace(first, contractBinding(1, 'b')));
    await refused(bindings, await bindings.replace(first, contractBinding(1, 'c')), contractName(1), 'Changed');
    await refused(bindings, await bindings.remove(first), contractName(1), 'Changed');
    expect(await bindings.get(contractName(1))).toEqual(second);
  });

  contract('a removed record is gone, and can be neither replaced nor removed again', async ({ bindings }) => {
    const stored = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    written(await bindings.remove(stored));
    expect(await bindings.get(contractName(1))).toEqual(undefined);
    expect(await bindings.list()).toEqual([]);
    await refused(bindings, await bindings.replace(stored, contractBinding(1, 'b')), contractName(1), 'Gone');
    await refused(bindings, await bindings.remove(stored), contractName(1), 'Gone');
  });

  contract('a record created again under its name is another: the old uid opens nothing', async ({ bindings }) => {
    const old = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    written(await bindings.remove(old));
    const current = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    expect(current.uid === old.uid).toEqual(false);
    const forged = { ...current, uid: old.uid };
    for (const outdated of [old, forged]) {
      await refused(bindings, await bindings.replace(outdated, contractBinding(1, 'b')), contractName(1), 'Changed');
      await refused(bindings, await bindings.remove(outdated), contractName(1), 'Changed');
    }
    expect(await bindings.get(contractName(1))).toEqual(current);
  });

  contract(
    'a spec comes back as it was given, and what the caller does to it afterwards does not reach the store',
    async ({ bindings }) => {
      const stamp = { bootId: '6f1c8c1e-0f5c-4b5c-9a38-3c2b9ad9e6d0', startedTicks: 12_345, monotonicNs: '9007199254740993', attempt: 1 };
      const attachment = { cniNetwork: 'lan', ifName: 'eth0', containerId: 'c1', node: 'n1', static: true, stamp };
      const spec = {
        ...contractBinding(1, 'ünïcode-日本-"quotes"-\\-\u0000-🛳'),
        tags: { 'a.b/c': '', constructor: '{}' },
        attachments: [attachment, { ...attachment, ifName: 'net1', podUid: 'u', terminationGraceSeconds: 0 }],
        expiresAt: 253_402_300_799_999, // the last millisecond that RFC 3339 can say
        releasedAt: 0,
        releasedBy: stamp,
      };
      const expected = structuredClone(spec);
      const creating = bindings.create(contractName(1), spec);
      spec.tags['a.b/c'] = 'changed by the caller';
      const stored = written(await creating);
      expect(stored.spec).toEqual(expected);
      expect((await bindings.get(contractName(1)))?.spec).toEqual(expected);
    },
  );

  contract('pools and bindings are two collections', async ({ bindings, pools }) => {
    const pool = written(await pools.create('blue', contractPool));
    expect(await bindings.get('blue')).toEqual(undefined);
    expect(await bindings.list()).toEqual([]);
    const changed = written(await pools.replace(pool, { ...contractPool, state: 'Draining' }));
    expect(await pools.list()).toEqual([changed]);
    await refused(pools, await pools.remove(pool), 'blue', 'Changed');
    written(await pools.remove(changed));
    expect(await pools.list()).toEqual([]);
  });

  contract('a watch of nothing is synced', async ({ bindings }) => {
    const seen = record(bindings);
    await until(() => seen.log.length > 0);
    expect(seen.log).toEqual(['synced']);
  });

  contract('a watch delivers what is there, then synced once, then every change in order', async ({ bindings }) => {
    const one = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    const two = written(await bindings.create(contractName(2), contractBinding(2, 'a')));
    const seen = record(bindings);
    await until(() => seen.log.includes('synced'));
    expect([...seen.log.slice(0, 2)].sort()).toEqual([put(one), put(two)].sort());
    const changed = written(await bindings.replace(one, contractBinding(1, 'b')));
    const three = written(await bindings.create(contractName(3), contractBinding(3, 'a')));
    written(await bindings.remove(two));
    await until(() => seen.log.length === 6);
    expect(seen.log.slice(2)).toEqual(['synced', put(changed), put(three), removed(two)]);
    expect(seen.witnessed).toEqual([true]);
  });

  contract('deleted and created again: a watch shows both, with different uids', async ({ bindings }) => {
    const seen = record(bindings);
    await until(() => seen.log.includes('synced'));
    const old = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    written(await bindings.remove(old));
    const current = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    await until(() => seen.log.length === 4);
    expect(seen.log).toEqual(['synced', put(old), removed(old), put(current)]);
  });

  contract('what was refused is not seen on a watch', async ({ bindings }) => {
    const seen = record(bindings);
    await until(() => seen.log.includes('synced'));
    const first = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    await bindings.create(contractName(1), contractBinding(1, 'b'));
    const second = written(await bindings.replace(first, contractBinding(1, 'c')));
    await bindings.replace(first, contractBinding(1, 'd'));
    await bindings.remove(first);
    const other = written(await bindings.create(contractName(2), contractBinding(2, 'a')));
    await until(() => seen.log.length === 4);
    expect(seen.log).toEqual(['synced', put(first), put(second), put(other)]);
  });

  contract('a stopped watch is silent, and does not stop another', async ({ bindings }) => {
    const stopped = record(bindings);
    const neverStarted = record(bindings);
    neverStarted.stop();
    const running = record(bindings);
    await until(() => stopped.log.includes('synced') && running.log.includes('synced'));
    stopped.stop();
    const stored = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    await until(() => running.log.length === 2);
    expect(running.log).toEqual(['synced', put(stored)]);
    expect(stopped.log).toEqual(['synced']);
    expect(neverStarted.log).toEqual([]);
  });

  contract('of many that create one name at once exactly one wins', async ({ bindings }) => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, caller) => bindings.create(contractName(1), contractBinding(1, `caller-${caller}`))),
    );
    const winners = results.filter((result) => result.ok);
    expect(winners.length).toEqual(1);
    for (const result of results) if (!result.ok) expect(result.conflict).toEqual('Exists');
    expect(await bindings.list()).toEqual(winners.map((result) => written(result)));
  });

  contract('of many that replace one version at once exactly one wins', async ({ bindings }) => {
    const first = written(await bindings.create(contractName(1), contractBinding(1, 'a')));
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, caller) =>
        caller % 5 === 4 ? bindings.remove(first) : bindings.replace(first, contractBinding(1, `caller-${caller}`)),
      ),
    );
    const winners = results.filter((result) => result.ok);
    expect(winners.length).toEqual(1);
    const current = await bindings.get(contractName(1));
    if (current) expect(current).toEqual(written(winners[0] as Written<BindingSpec>));
  });

  contract('1,000 writes at once all arrive, each seen once, and the conflicts among them disturb nobody', async ({ bindings }) => {
    const seen = record(bindings);
    await until(() => seen.log.includes('synced'));
    const results = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        bindings.create(contractName(index % 800), contractBinding(index % 800, `caller-${index}`)),
      ),
    );
    const winners = results.filter((result) => result.ok).map((result) => written(result));
    expect(winners.length).toEqual(800);
    await until(() => seen.log.length === 801);
    expect([...seen.log.slice(1)].sort()).toEqual(winners.map(put).sort());
    expect(byName(await bindings.list())).toEqual(byName(winners));
  });

  contract('two watches and the list agree after a thousand random steps', async ({ bindings }) => {
    const early = record(bindings);
    const random = seeded(20_261_124);
    const model = new Map<string, Stored<BindingSpec>>();
    const outdated: Stored<BindingSpec>[] = [];
    let late: ReturnType<typeof record> | undefined;
    for (let step = 0; step < 1_000; step++) {
      const host = random(12);
      const name = contractName(host);
      const current = model.get(name);
      const old = random(4) === 0 ? outdated[random(outdated.length)] : current;
      const verb = random(3);
      if (step === 500) late = record(bindings);
      if (verb === 0 || !old) {
        const result = await bindings.create(name, contractBinding(host, `step-${step}`));
        expect(result.ok).toEqual(current === undefined);
        if (result.ok) model.set(name, result.stored);
        continue;
      }
      const holds = model.get(old.name);
      const expected = holds?.uid === old.uid && holds.version === old.version;
      const spec = { ...old.spec, subid: `step-${step}` };
      const result = verb === 1 ? await bindings.replace(old, spec) : await bindings.remove(old);
      expect(result.ok).toEqual(expected);
      if (!result.ok) continue;
      outdated.push(old);
      if (verb === 1) model.set(old.name, result.stored);
      else model.delete(old.name);
    }
    const truth = byName([...model.values()]);
    expect(byName(await bindings.list())).toEqual(truth);
    for (const seen of [early, late]) {
      await until(() => JSON.stringify(byName([...(seen?.view.values() ?? [])])) === JSON.stringify(truth));
      expect(byName([...(seen?.view.values() ?? [])])).toEqual(truth);
    }
  });
}

const put = (stored: Stored<unknown>): string => `put ${stored.name} ${stored.uid} ${stored.version}`;
const removed = (stored: Stored<unknown>): string => `removed ${stored.name} ${stored.uid}`;

const byName = <T>(records: readonly Stored<T>[]): readonly Stored<T>[] => [...records].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Watches, and keeps both the log of what came and the view it adds up to. */
function record<T>(collection: Collection<T>): {
  readonly log: string[];
  readonly witnessed: boolean[];
  readonly view: Map<string, Stored<T>>;
  stop(): void;
} {
  const log: string[] = [];
  const witnessed: boolean[] = [];
  const view = new Map<string, Stored<T>>();
  const stop = collection.watch({
    event: (event: StoreEvent<T>) => {
      if (event.type === 'put') view.set(event.stored.name, event.stored);
      else view.delete(event.stored.name);
      if (event.type === 'removed') witnessed.push(event.witnessed);
      log.push(event.type === 'put' ? put(event.stored) : removed(event.stored));
    },
    synced: () => log.push('synced'),
  });
  return { log, witnessed, view, stop };
}

/** Whole numbers below `bound`, the same ones every time (mulberry32). */
function seeded(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
