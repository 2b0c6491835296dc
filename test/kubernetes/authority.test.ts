/** The controllers' CA and what is published of it, over years of virtual time, on a pretended API server. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Timers } from '../../src/core/clock.ts';
import { AUTHORITY_SECRET, IDENTITY_CONFIG_MAP, openAuthority, type Authority } from '../../src/kubernetes/authority.ts';
import { CONFIG_MAPS, LEASES, SECRETS, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import { clientOf, recordingLog, seededRandom } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

type Data = KubernetesObject & { readonly data: Readonly<Record<string, string>> };
const DAY = 86_400_000;
const REFRESH_MS = 60_000;

function openWorld() {
  const timers = virtualTimers();
  const server = new PretendedApiServer({ timers, random: seededRandom(1) });
  const log = recordingLog();
  let rounds = 0;
  /** What is due each minute is over when the next minute is waited for. */
  const counting: Timers = {
    ...timers,
    after: (ms, callback) => {
      if (ms === REFRESH_MS) rounds += 1;
      return timers.after(ms, callback);
    },
  };
  const open = (identity: string, urls = [`https://10.0.0.${identity.length}:8443`]): Authority =>
    openAuthority({ client: clientOf(server, timers), timers: counting, log, namespace: 'berth', serverName: 'the.name', identity, urls });
  const map = () => server.objects<Data>(CONFIG_MAPS).find(({ metadata }) => metadata.name === IDENTITY_CONFIG_MAP)?.data ?? {};
  const bundle = (): string[] => map()['ca.crt']?.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  /** Key making is real work on real threads, so virtual time waits for it. */
  const pass = async (ms: number): Promise<void> => {
    await timers.advance(ms);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await timers.advance(0);
  };
  const passDay = async (): Promise<void> => {
    const before = rounds;
    timers.jumpWall(DAY); // A day of minutes each would be half a million.
    await timers.advance(REFRESH_MS + 1_000);
    // Keys are made on real threads.
    if (rounds === before) await eventually(() => pass(10).then(() => rounds > before), 'what is due that day to be done');
  };
  /** Waits for it while time goes on. */
  const finish = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false;
    void work.finally(() => (isOver = true));
    await eventually(() => pass(10).then(() => isOver), 'it to be over');
    return work;
  };
  return { timers, server, log, open, map, bundle, pass, passDay, finish };
}

const isTrusted = (cert: string, bundle: readonly string[]): boolean =>
  bundle.some((ca) => new X509Certificate(cert).verify(new X509Certificate(ca).publicKey));

describe('the controllers’ CA', () => {
  test('is made once by replicas that start together, and published before anybody serves', async () => {
    const { open, map, bundle, server, finish } = openWorld();
    const replicas = ['a', 'bb', 'ccc'].map((identity) => open(identity));
    const certificates = await finish(Promise.all(replicas.map((replica) => replica.read())));
    expect(server.objects(SECRETS)).toHaveLength(1);
    expect(bundle()).toHaveLength(1);
    for (const { cert, key } of certificates) {
      expect(isTrusted(cert, bundle())).toBe(true);
      expect(new X509Certificate(cert).checkHost('the.name')).toBe('the.name');
      expect(key).toContain('PRIVATE KEY');
    }
    expect(map()['endpoints']!.trim().split('\n').sort()).toEqual(['https://10.0.0.1:8443', 'https://10.0.0.2:8443', 'https://10.0.0.3:8443']); // prettier-ignore
    expect(JSON.stringify(map())).not.toContain('PRIVATE KEY');
    for (const replica of replicas) await finish(replica.stop());
    // A node with an empty list would wait for its kubelet to bring the next one.
    expect(map()['endpoints']).toBe('https://10.0.0.3:8443\n');
    expect(server.objects(LEASES)).toEqual([]);
    await finish(open('aaaa').read());
    expect(map()['endpoints']).toBe('https://10.0.0.4:8443\n');
  });

  test('rotates, and whoever has a copy a day old trusts what it meets, all the time', async () => {
    const { open, bundle, passDay, log, finish } = openWorld();
    const replica = open('a');
    await finish(replica.read());
    let copyOfYesterday = bundle();
    for (let day = 0; day < 510; day++) {
      const today = bundle();
      await passDay();
      const { cert } = await replica.read();
      expect(isTrusted(cert, copyOfYesterday), `day ${day}`).toBe(true);
      copyOfYesterday = today;
    }
    const steps = log.entries.filter(({ message }) => message === 'the controllers’ CA changes').map(({ fields }) => fields['step']);
    expect(steps.filter((step) => step === 'promote').length).toBeGreaterThanOrEqual(2);
    expect(steps).toContain('forget');
    expect(bundle().length).toBeLessThanOrEqual(3);
    await finish(replica.stop());
  }, 120_000);

  test('what somebody has made of the Secret that is no CA is replaced', async () => {
    const { open, server, bundle, pass, finish } = openWorld();
    const replica = open('a');
    const before = (await finish(replica.read())).cert;
    const [secret] = server.objects<Data>(SECRETS);
    server.put(SECRETS, { ...secret!, data: { 'ca.crt': 'bm9uc2Vuc2U=' } } as never);
    await pass(61_000);
    await eventually(async () => (await finish(replica.read())).cert !== before, 'another certificate');
    expect(isTrusted((await finish(replica.read())).cert, bundle())).toBe(true);
    await finish(replica.stop());
  });

  test('without an API server it goes on with what it has', async () => {
    const { open, server, pass, log, finish } = openWorld();
    const replica = open('a');
    const { cert } = await finish(replica.read());
    server.stop();
    for (let minute = 0; minute < 5; minute++) await pass(60_000);
    expect((await finish(replica.read())).cert).toBe(cert);
    expect(log.entries.some(({ message }) => message === 'certificates could not be brought up to date')).toBe(true);
    server.start();
    await finish(replica.stop());
  });

  test('the latest to come are first in the list: those before may be gone', async () => {
    const { open, map, pass, finish } = openWorld();
    for (const identity of ['ccc', 'a', 'bb']) {
      await finish(open(identity).read());
      await pass(2_000);
    }
    expect(map()['endpoints']).toBe('https://10.0.0.2:8443\nhttps://10.0.0.1:8443\nhttps://10.0.0.3:8443\n');
  });

  test('a replica that is gone is taken from the list after some minutes, one that lives is not', async () => {
    const { open, map, pass, server, timers, log, finish } = openWorld();
    const living = open('a');
    await finish(living.read());
    const crashed = openAuthority({ client: clientOf(server, timers), timers: { ...timers, after: () => () => undefined }, log, namespace: 'berth', serverName: 'the.name', identity: 'crashed', urls: ['https://10.9.9.9:1'] }); // prettier-ignore
    await finish(crashed.read());
    expect(map()['endpoints']).toContain('10.9.9.9');
    for (let minute = 0; minute < 4; minute++) await pass(60_000);
    expect(map()['endpoints']).toContain('10.9.9.9');
    for (let minute = 0; minute < 4; minute++) await pass(60_000);
    expect(map()['endpoints']).toBe('https://10.0.0.1:8443\n');
    expect(server.objects(LEASES).map(({ metadata }) => metadata.name)).toEqual(['berth-replica-a']);
    await finish(living.stop());
  });

  test('what the nodes read is written when a replica comes or goes, and not while they only live', async () => {
    const { open, map, pass, passDay, server, finish } = openWorld();
    const version = () => server.objects(CONFIG_MAPS)[0]!.metadata.resourceVersion;
    const beats = () => server.objects<any>(LEASES).map(({ spec }) => spec.renewTime as string);
    const replicas = [open('a'), open('bb')];
    for (const replica of replicas) await finish(replica.read());
    await pass(61_000);
    const [written, alive] = [version(), beats()];
    for (let minute = 0; minute < 20; minute++) await pass(60_000);
    await passDay();
    expect([version(), beats().length]).toEqual([written, 2]);
    expect(beats().every((beat, index) => beat > alive[index]!)).toBe(true);
    const third = open('ccc');
    await finish(third.read());
    expect([version() === written, map()['endpoints']!.split('\n').length]).toEqual([false, 4]);
    await finish(third.stop());
    expect(map()['endpoints']!.trim().split('\n')).toEqual(['https://10.0.0.1:8443', 'https://10.0.0.2:8443']);
    for (const replica of replicas) await finish(replica.stop());
  });

  test('a replica whose Lease somebody deleted is back with its next beat', async () => {
    const { open, map, pass, server, finish } = openWorld();
    const replicas = [open('a'), open('bb')];
    for (const replica of replicas) await finish(replica.read());
    server.delete(LEASES, 'berth/berth-replica-bb');
    for (let minute = 0; minute < 2; minute++) await pass(61_000);
    expect(map()['endpoints']!.trim().split('\n')).toEqual(['https://10.0.0.2:8443', 'https://10.0.0.1:8443']);
    for (const replica of replicas) await finish(replica.stop());
  });

  describe('beside a replica of 0.1.0, which keeps itself in the map and writes the list of whom it finds there', () => {
    interface Earlier {
      readonly [name: string]: { readonly urls: readonly string[]; readonly count: number };
    }
    const OLD = 'https://10.0.9.9:8443';
    /** Its own write: all it finds, without itself when it leaves. */
    const write = (world: ReturnType<typeof openWorld>, isLeaving: boolean): void => {
      const { old, ...others } = JSON.parse(world.map()['replicas'] ?? '{}') as Earlier;
      const replicas = isLeaving ? others : { ...others, old: { urls: [OLD], count: (old?.count ?? 0) + 1 } };
      const endpoints = [...new Set(Object.values(replicas).flatMap(({ urls }) => urls))].map((url) => `${url}\n`).join('');
      const map = world.server.objects<Data>(CONFIG_MAPS)[0]!;
      world.server.put(CONFIG_MAPS, { ...map, data: { ...map.data, replicas: JSON.stringify(replicas), endpoints } });
    };

    /** A replica of ours beside it, which each has heard of. */
    const openBeside = async (world: ReturnType<typeof openWorld>) => {
      const replica = world.open('a');
      await world.finish(replica.read());
      write(world, false);
      await world.pass(61_000);
      return { ...world, replica };
    };

    test('upgraded: the list is never empty, and in the end nothing is left of it', async () => {
      const world = openWorld();
      const { open, map, pass, finish } = world;
      const replicas = JSON.stringify({ old: { urls: [OLD], count: 7 } });
      world.server.put<Data>(CONFIG_MAPS, {
        metadata: { namespace: 'berth', name: IDENTITY_CONFIG_MAP },
        data: { replicas, endpoints: `${OLD}\n` },
      });
      const replica = open('a');
      await finish(replica.read());
      for (const isLeaving of [false, false, true]) {
        write(world, isLeaving);
        expect(map()['endpoints']).toContain('https://10.0.0.1:8443\n');
      }
      await pass(61_000);
      expect([map()['endpoints'], map()['replicas']]).toEqual(['https://10.0.0.1:8443\n', undefined]);
      await finish(replica.stop());
    });

    test('an upgrade that stays half-way for long: it is told of us again where it gave us up', async () => {
      const world = openWorld();
      const { replica, map, pass, finish } = await openBeside(world);
      const first = JSON.parse(map()['replicas']!) as Earlier;
      // What 0.1.0 does after five minutes with an entry that stands still.
      world.server.put(CONFIG_MAPS, { ...world.server.objects<Data>(CONFIG_MAPS)[0]!, data: { ...map(), replicas: JSON.stringify({ old: first['old'] }) } }); // prettier-ignore
      await pass(61_000);
      const again = JSON.parse(map()['replicas']!) as Earlier;
      const ours = Object.keys(again).find((name) => name !== 'old')!;
      expect(again[ours]!.urls).toEqual(['https://10.0.0.1:8443']);
      expect(again[ours]!.count).toBeGreaterThan(first[ours]!.count);
      await finish(replica.stop());
    });

    test('rolled back: whoever leaves last says where the earlier one is', async () => {
      const world = openWorld();
      const { replica, map, finish } = await openBeside(world);
      expect(map()['endpoints']).toBe('https://10.0.0.1:8443\n');
      await finish(replica.stop());
      expect(map()['endpoints']).toBe(`${OLD}\n`);
      expect(Object.keys(JSON.parse(map()['replicas']!) as Earlier)).toEqual(['old']);
    });
  });

  test('its Secret has the name that the rights are given for', () => {
    expect([AUTHORITY_SECRET, IDENTITY_CONFIG_MAP]).toEqual(['berth-authority', 'berth-identity']);
  });
});
