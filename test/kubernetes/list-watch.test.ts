/** The list-watch on virtual time, against a pretended API server. */
import { describe, expect, test } from 'vitest';
import { startListWatch } from '../../src/kubernetes/list-watch.ts';
import { ADDRESS_BINDINGS, PODS, type KubernetesObject, type ResourceType } from '../../src/kubernetes/objects.ts';
import { clientOf, recordingLog, seededRandom } from '../support/cluster-client.ts';
import { PretendedApiServer, type Fault, type PretendedOptions } from '../support/pretended-api-server.ts';
import { KINDS } from '../support/pretended-api-server/kinds.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

interface Kept {
  readonly name: string;
  readonly uid: string;
  readonly version: string;
  readonly value: number;
}

interface Thing extends KubernetesObject {
  readonly spec: { readonly value: number };
}

const thing = (name: string, value = 0): Thing => ({ metadata: { name }, spec: { value } });

const trim = ({ metadata, spec }: Thing): Kept => {
  if (spec.value < 0) throw new Error('below zero');
  return { name: metadata.name, uid: metadata.uid!, version: metadata.resourceVersion!, value: spec.value };
};

function makeWorld(options: Partial<PretendedOptions> & { readonly type?: ResourceType; readonly pageSize?: number } = {}) {
  const { type = ADDRESS_BINDINGS, pageSize, ...rest } = options;
  const timers = virtualTimers();
  const random = seededRandom(7);
  const log = recordingLog();
  const server = new PretendedApiServer({ timers, random, ...rest });
  const seen: string[] = [];
  const relistings: [names: string, upTo: string | undefined][] = [];
  const start = (onEvent: (event: string) => void = () => undefined) =>
    startListWatch<Kept>({
      client: clientOf(server, timers, random),
      type,
      trim,
      handler: {
        put: ({ name, value }) => (seen.push(`put ${name} ${value}`), onEvent(`put ${name}`)),
        removed: ({ name }, witnessed) => (seen.push(`removed ${name}${witnessed ? ' witnessed' : ''}`), onEvent(`removed ${name}`)),
        synced: () => (seen.push('synced'), onEvent('synced')),
        relisted: (all, upTo) => relistings.push([all.map(({ name, value }) => `${name} ${value}`).join(', '), upTo]),
      },
      timers,
      random,
      log,
      ...(pageSize !== undefined && { pageSize }),
    });
  const put = (name: string, value = 0) => server.put(type, thing(name, value));
  const remove = (name: string) => server.delete(type, name);
  /** What was delivered since it was asked last. */
  const news = () => seen.splice(0);
  return { timers, log, server, start, put, remove, news, relistings };
}

/** The nth request and the ones after it that `which` names meet the fault; 1 is the first. */
const faultAt =
  (fault: Fault, ...which: number[]) =>
  () => {
    count++;
    return which.includes(count) ? fault : undefined;
  };
let count = 0;

describe('list-watch', () => {
  test('pages that are too large are asked for in smaller ones, and in larger ones again', async () => {
    const { timers, server, start, log, news } = makeWorld({ type: PODS });
    const padding = 'x'.repeat(1_200_000);
    for (let index = 0; index < 40; index++) server.put(PODS, { metadata: { namespace: 'a', name: `large-${index}` }, spec: { value: 1, padding } } as never); // prettier-ignore
    for (let index = 0; index < 100; index++) server.put(PODS, { metadata: { namespace: 'b', name: `small-${index}` }, spec: { value: 2 } } as never); // prettier-ignore
    const watch = start();
    await timers.advance(1_000);
    expect([watch.synced(), watch.size(), news().filter((one) => one.startsWith('put'))]).toEqual([true, 140, expect.objectContaining({ length: 140 })]); // prettier-ignore
    const listings = server.asked.filter((asked) => asked.startsWith('list'));
    expect(listings.length).toBeLessThan(16);
    expect(log.entries).toEqual([]);
    watch.stop();
  });

  test('lists in pages, says synced once, then follows', async () => {
    const { timers, server, start, put, remove, news } = makeWorld({ pageSize: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) put(name);
    const watch = start();
    expect([watch.synced(), watch.staleSeconds(), news()]).toEqual([false, Infinity, []]);
    await timers.advance(1);
    expect(news()).toEqual(['put a 0', 'put b 0', 'put c 0', 'put d 0', 'put e 0', 'synced']);
    // Three pages, and the look whether the open watch is of the same history.
    expect(server.asked.map((asked) => asked.split(' ')[0])).toEqual(['list', 'list', 'list', 'watch', 'list']);
    put('a', 1);
    remove('b');
    put('f');
    await timers.advance(1);
    expect(news()).toEqual(['put a 1', 'removed b witnessed', 'put f 0']);
    expect([watch.synced(), watch.size(), watch.get('a')?.value, watch.listings()]).toEqual([true, 5, 1, 1]);
  });

  test('follows for days through time-outs of the server without listing again', async () => {
    const { timers, server, start, put, news } = makeWorld();
    const watch = start();
    await timers.advance(1);
    news();
    for (let hour = 1; hour <= 48; hour++) {
      await timers.advance(3_600_000);
      put('a', hour);
      await timers.advance(1);
      expect(news()).toEqual([`put a ${hour}`]);
    }
    const watches = server.asked.filter((asked) => asked.startsWith('watch')).length;
    expect(watch.listings()).toBe(1);
    // 48 h in watches of 5 to 10 minutes
    expect([watches > 288, watches < 600]).toEqual([true, true]);
  });

  test('bookmarks keep a quiet watch young: compaction does not make it list again', async () => {
    const { timers, server, start, news } = makeWorld();
    const watch = start();
    await timers.advance(1);
    for (let index = 0; index < 50; index++) {
      server.put(PODS, { metadata: { namespace: 'n', name: `p${index}` } });
      await timers.advance(60_001);
      server.compact();
      if (index % 10 === 5) server.dropConnections();
    }
    // Once more after each lost connection, to see whether the server goes on in the same history.
    expect([watch.listings(), news()]).toEqual([1 + 5, ['synced']]);
  });

  test('deleted and made again in a gap: removed, then put', async () => {
    const { timers, server, start, put, remove, news } = makeWorld();
    put('a', 1);
    start();
    await timers.advance(1);
    news();
    server.stop();
    remove('a');
    put('a', 2);
    server.start();
    await timers.advance(60_000);
    expect(news()).toEqual(['removed a', 'put a 2']);
  });

  test('deleted in a gap whose history is kept: the deletion is witnessed; compacted: it is inferred', async () => {
    const { timers, server, start, put, remove, news } = makeWorld();
    put('a');
    put('b');
    start();
    await timers.advance(1);
    news();
    server.dropConnections();
    remove('a');
    await timers.advance(60_000);
    expect(news()).toEqual(['removed a witnessed']);
    server.dropConnections();
    remove('b');
    server.compact();
    await timers.advance(60_000);
    expect(news()).toEqual(['removed b']);
  });

  test('an API server restored empty: everything is removed, nothing is witnessed', async () => {
    const { timers, server, start, put, news } = makeWorld();
    put('a');
    put('b');
    start();
    await timers.advance(1);
    news();
    server.restore();
    await timers.advance(60_000);
    expect(news()).toEqual(['removed a', 'removed b']);
  });

  test('an API server restored from a backup: its older state is what counts', async () => {
    const { timers, server, start, put, remove, news, log } = makeWorld();
    put('a', 1);
    put('b', 1);
    const backup = server.backup();
    put('a', 2);
    remove('b');
    put('c', 1);
    const watch = start();
    await timers.advance(1);
    news();
    server.restore(backup);
    await timers.advance(200_000);
    expect(news().sort()).toEqual(['put a 1', 'put b 1', 'removed c']);
    put('a', 3);
    await timers.advance(1);
    expect([news(), watch.get('a')?.value]).toEqual([['put a 3'], 3]);
    expect(log.entries.map(({ message }) => message)).toContain('the API server went back in time');
  });

  test('each listing made anew is told whole, and up to which version: of a server that went back in time to none', async () => {
    const { timers, server, start, put, remove, relistings } = makeWorld();
    put('a', 1);
    const backup = server.backup();
    put('b', 1);
    start();
    await timers.advance(1);
    expect(relistings).toEqual([]);
    const relist = async (): Promise<void> => {
      server.compact();
      server.dropConnections();
      await timers.advance(200_000);
    };
    remove('b');
    await relist();
    expect(relistings.splice(0).at(-1)).toEqual(['a 1', server.revision()]);
    server.restore(backup);
    await timers.advance(200_000);
    expect(relistings.splice(0)[0]).toEqual(['a 1', undefined]);
    put('a', 2);
    await relist();
    expect(relistings.splice(0).at(-1)).toEqual(['a 2', server.revision()]);
  });

  test('a watch that is refused because its history is gone (410 as its status) is followed by a listing, soon', async () => {
    let expired = 0;
    const fault = ({ path }: { path: string }): Fault | undefined =>
      path.includes('watch=true') && expired++ === 0 ? { kind: 'status', code: 410, done: false } : undefined;
    const { timers, start, put, news } = makeWorld({ fault });
    put('a');
    const watch = start();
    await timers.advance(1);
    put('a', 1);
    await timers.advance(5_000);
    expect([watch.listings(), news()]).toEqual([2, ['put a 0', 'synced', 'put a 1']]);
  });

  test('a watch that was opened, and whose server could then not be asked for its history, is closed', async () => {
    let isFaulty = true;
    const fault = ({ path }: { path: string }): Fault | undefined =>
      isFaulty && path.endsWith('limit=1') ? { kind: 'status', code: 500, done: false } : undefined;
    const { timers, server, start, put, news } = makeWorld({ fault });
    start();
    await timers.advance(300_000);
    expect(server.openWatches()).toBeLessThanOrEqual(1);
    isFaulty = false;
    await timers.advance(60_000);
    put('a');
    await timers.advance(1);
    expect([server.openWatches(), news()]).toEqual([1, ['synced', 'put a 0']]);
  });

  test('what is deleted is told as it was in the end', async () => {
    const { timers, server, put } = makeWorld();
    const removed: number[] = [];
    let isLast = false;
    put('a', 1);
    const watch = startListWatch<Kept>({
      client: clientOf(server, timers),
      type: ADDRESS_BINDINGS,
      // The API server sends the last state with the deletion: what changed with it was in no event before.
      trim: (object: Thing) => ({ ...trim(object), value: isLast ? 99 : object.spec.value }),
      handler: { put: () => undefined, removed: ({ value }) => removed.push(value) },
      timers,
      random: seededRandom(1),
      log: recordingLog(),
    });
    await timers.advance(1);
    isLast = true;
    server.delete(ADDRESS_BINDINGS, 'a');
    await timers.advance(1);
    expect(removed).toEqual([99]);
    watch.stop();
  });

  test('a continue token that expires in the middle of a listing', async () => {
    const { timers, server, start, put, news } = makeWorld({ pageSize: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) put(name);
    let compactions = 0;
    start((event) => {
      if (!/^put [a-f]/.test(event)) return;
      put('z', ++compactions);
      server.compact();
    });
    await timers.advance(600_000);
    const seen = news();
    expect(seen.filter((event) => event === 'synced').length).toBe(1);
    // Nothing is put twice for one version, however often the listing begins again.
    expect(seen.filter((event) => /^put [a-f]/.test(event)).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `put ${name} 0`));
  });

  test('a continue token that always expires: at last the listing is asked for in one piece, and the next one in pages again', async () => {
    const asked: string[] = [];
    const { timers, server, start, put, remove, news } = makeWorld({
      pageSize: 2,
      fault: ({ path }) => {
        if (path.includes('watch=true') || path.endsWith('limit=1')) return undefined;
        asked.push(path.includes('continue=') ? 'rest' : path.includes('limit=') ? 'page' : 'whole');
        return path.includes('continue=') ? { kind: 'status', code: 410, done: false } : undefined;
      },
    });
    for (const name of ['a', 'b', 'c']) put(name);
    start();
    await timers.advance(60_000);
    expect(asked.splice(0)).toEqual(['page', 'rest', 'page', 'rest', 'whole']);
    expect(news()).toEqual(['put a 0', 'put b 0', 'put c 0', 'synced']);
    server.stop();
    remove('c');
    server.compact();
    server.start();
    await timers.advance(30_000);
    expect([asked[0], news()]).toEqual(['page', ['removed c']]);
  });

  test.each<[string, Fault]>([
    ['no connection', { kind: 'refused' }],
    ['a broken connection', { kind: 'lost' }],
    ['500', { kind: 'status', code: 500, done: false }],
    ['429', { kind: 'status', code: 429, retryAfterSeconds: 3, done: false }],
    ['half an answer', { kind: 'cut', afterBytes: 120, clean: false }],
    ['no answer', { kind: 'hangs', done: false }],
  ])('the first listing meets %s six times', async (_name, fault) => {
    count = 0;
    const { timers, start, put, news } = makeWorld({ fault: faultAt(fault, 1, 2, 3, 4, 5, 6) });
    put('ä€🛳');
    start();
    await timers.advance(600_000);
    expect(news()).toEqual(['put ä€🛳 0', 'synced']);
  });

  test.each<[string, Fault, number]>([
    ['no connection', { kind: 'refused' }, 2],
    ['500', { kind: 'status', code: 500, done: false }, 1],
    ['429', { kind: 'status', code: 429, retryAfterSeconds: 3, done: false }, 1],
    ['a line cut by a broken connection', { kind: 'cut', afterBytes: 700, clean: false }, 2],
    ['a line cut by an end that looks proper', { kind: 'cut', afterBytes: 700, clean: true }, 1],
    ['no headers', { kind: 'hangs', done: false }, 2],
  ])('the watch meets %s: nothing is lost and nothing comes twice', async (_name, fault, listings) => {
    count = 0;
    const { timers, start, put, remove, news } = makeWorld({ fault: faultAt(fault, 2, 4) });
    const watch = start();
    await timers.advance(1);
    const expected = ['synced'];
    for (let value = 0; value < 40; value++) {
      put('ü', value);
      expected.push(`put ü ${value}`);
      if (value % 4 === 3) {
        remove('ü');
        expected.push('removed ü witnessed');
      }
      await timers.advance(10_000);
    }
    await timers.advance(300_000);
    expect(news()).toEqual(expected);
    // After trouble with the connection once more, to see whether the server goes on in the same history.
    expect(watch.listings()).toBeGreaterThanOrEqual(listings);
    expect(watch.listings()).toBeLessThanOrEqual(listings === 1 ? 1 : 3);
  });

  test('a server that was away, restored, and has grown past what is known is noticed in a minute (found by the simulation)', async () => {
    const { timers, server, start, put, remove, news } = makeWorld();
    put('a', 1);
    const backup = server.backup();
    put('b', 1);
    start();
    await timers.advance(1);
    expect(news()).toEqual(['put a 1', 'put b 1', 'synced']);
    server.restore(backup);
    server.stop();
    await timers.advance(5_000);
    server.start();
    remove('a');
    for (let value = 0; value < 20; value++) put('c', value);
    await timers.advance(20_000);
    await timers.advance(120_000);
    const heard = news();
    expect(heard).toContain('removed b');
    expect(heard.at(-1)).not.toBe('put c 0');
  });

  test('after a watch that fell silent everything is listed again: the server may have been restored and have grown past it', async () => {
    count = 0;
    const { timers, start, put, news } = makeWorld({ fault: faultAt({ kind: 'silent' }, 2) });
    const watch = start();
    await timers.advance(1);
    put('a', 1);
    put('b', 1);
    await timers.advance(149_000);
    expect(news()).toEqual(['synced']);
    put('a', 2);
    await timers.advance(60_000);
    expect([news(), watch.listings()]).toEqual([['put a 2', 'put b 1'], 2]);
  });

  test('a server that has not even what it answered to a write of ours is of another history (found by the simulation)', async () => {
    count = 0;
    const { timers, server, start, put, news, log } = makeWorld({ fault: faultAt({ kind: 'silent' }, 2) });
    put('a', 1);
    const watch = start();
    await timers.advance(1);
    const backup = server.backup();
    put('a', 2);
    put('b', 1);
    watch.wrote(server.objects(ADDRESS_BINDINGS).at(-1)!.metadata.resourceVersion!);
    server.restore(backup);
    put('c', 1);
    await timers.advance(200_000);
    expect(news()).toEqual(['put a 1', 'synced', 'put a 1', 'put c 1']);
    expect(log.entries.map(({ message }) => message)).toContain('the API server went back in time');
  });

  test('history taken back between a listing and its watch is noticed', async () => {
    const backups: ReturnType<PretendedApiServer['backup']>[] = [];
    const { timers, server, start, put, news } = makeWorld({
      fault: ({ path }) => {
        if (path.includes('watch=true') && backups.length === 1) server.restore(backups.pop());
        return undefined;
      },
    });
    put('a', 1);
    const backup = server.backup();
    put('a', 2);
    put('b', 1);
    backups.push(backup);
    start();
    await timers.advance(60_000);
    expect(news()).toEqual(['put a 2', 'put b 1', 'synced', 'put a 1', 'removed b']);
    put('c', 1);
    await timers.advance(1);
    expect(news()).toEqual(['put c 1']);
  });

  test('never gives up, waits longer and longer up to 30 s, and does not hammer a server that comes back', async () => {
    const { timers, server, start, put, news, log } = makeWorld();
    server.stop();
    start();
    await timers.advance(24 * 3_600_000);
    const delays = log.entries.map(({ fields }) => fields['delayMs'] as number);
    expect([delays[0]! < 250, Math.max(...delays) <= 30_000, delays.length > 2_000]).toEqual([true, true, true]);
    expect(new Set(delays.slice(-100)).size).toBeGreaterThan(90);
    server.start();
    put('a');
    await timers.advance(30_000);
    expect(news()).toEqual(['put a 0', 'synced']);
    expect(server.asked.map((asked) => asked.split(' ')[0])).toEqual(['list', 'watch', 'list']);
  });

  test('a server that is back and has forgotten the history since is listed soon: an answer is no outage (found by the simulation)', async () => {
    const { timers, server, start, put, news, log } = makeWorld();
    put('a', 1);
    start();
    await timers.advance(1);
    server.stop();
    await timers.advance(30_000);
    put('a', 2);
    server.compact();
    server.start();
    // The longest wait of such an outage, and what an expired watch waits after it.
    await timers.advance(25_600 + 200);
    expect(news()).toEqual(['put a 1', 'synced', 'put a 2']);
    const delays = log.entries.filter(({ fields }) => fields['reason'] === 'Expired').map(({ fields }) => fields['delayMs'] as number);
    expect(delays).toHaveLength(1);
    expect(delays[0]).toBeLessThanOrEqual(200);
  });

  test('a server whose history is always too short is asked less and less often', async () => {
    const { timers, start, put, log } = makeWorld({
      fault: ({ path }) => (path.includes('watch=true') ? { kind: 'status', code: 410, done: false } : undefined),
    });
    put('a', 1);
    start();
    await timers.advance(3_600_000);
    expect(log.entries.length).toBeLessThan(200);
    expect(log.entries.at(-1)!.fields['delayMs']).toBeGreaterThanOrEqual(15_000);
  });

  test('a server that ends every watch at once is not asked in a tight loop', async () => {
    const { timers, server, start } = makeWorld({
      fault: ({ path }) => (path.includes('watch=true') ? { kind: 'cut', afterBytes: 0, clean: true } : undefined),
      bookmarkEveryMs: 10,
    });
    start();
    await timers.advance(600_000);
    expect(server.asked.filter((asked) => asked.startsWith('watch')).length).toBeLessThan(60);
  });

  test('says which right is missing, and goes on when it is there', async () => {
    const { timers, server, start, log, news } = makeWorld();
    server.forbid('list', ADDRESS_BINDINGS);
    start();
    await timers.advance(5_000);
    expect(log.entries[0]?.fields).toMatchObject({
      resource: 'addressbindings.berth-ipam.dev',
      reason: 'Forbidden',
      detail: expect.stringMatching(/^the right to list addressbindings\.berth-ipam\.dev is missing: /) as string,
    });
    server.allow('list', ADDRESS_BINDINGS);
    server.forbid('watch', ADDRESS_BINDINGS);
    await timers.advance(60_000);
    expect(news()).toEqual(['synced']);
    expect(log.entries.at(-1)?.fields['detail']).toMatch(/^the right to watch addressbindings/);
    server.allow('watch', ADDRESS_BINDINGS);
    server.put(ADDRESS_BINDINGS, thing('a'));
    await timers.advance(60_000);
    expect(news()).toEqual(['put a 0']);
  });

  test('a kind that is not installed is waited for', async () => {
    const { timers, server, start, log, news } = makeWorld();
    server.uninstall(ADDRESS_BINDINGS);
    start();
    await timers.advance(60_000);
    expect(log.entries[0]?.fields).toMatchObject({ reason: 'NoSuchResource' });
    server.install(KINDS.find(({ plural }) => plural === 'addressbindings')!);
    await timers.advance(60_000);
    expect(news()).toEqual(['synced']);
  });

  test('an object that cannot be read is logged, stays as it was, and disturbs nobody', async () => {
    const { timers, start, put, remove, news, log } = makeWorld();
    put('a', 1);
    put('b', -1);
    const watch = start();
    await timers.advance(1);
    put('a', -2);
    put('c', 3);
    await timers.advance(1);
    expect([news(), watch.get('a')?.value]).toEqual([['put a 1', 'synced', 'put c 3'], 1]);
    expect(log.entries.map(({ message, fields }) => `${message} ${fields['name']}`)).toEqual([
      'an object cannot be read b',
      'an object cannot be read a',
    ]);
    remove('a');
    remove('b');
    await timers.advance(1);
    expect(news()).toEqual(['removed a witnessed']);
  });

  test('how stale it is: bookmarks count, an outage shows', async () => {
    const { timers, server, start } = makeWorld();
    const watch = start();
    await timers.advance(600_000);
    expect(watch.staleSeconds()).toBeLessThanOrEqual(60);
    server.stop();
    await timers.advance(600_000);
    expect(watch.staleSeconds()).toBeGreaterThanOrEqual(600);
    server.start();
    await timers.advance(31_000);
    expect(watch.staleSeconds()).toBeLessThanOrEqual(31);
  });

  test('stopped in the middle of a page, it says nothing more and leaves no watch behind', async () => {
    const { timers, server, start, put, news } = makeWorld();
    for (const name of ['a', 'b', 'c']) put(name);
    const watch = start((event) => event === 'put b' && watch.stop());
    await timers.advance(60_000);
    expect([news(), server.openWatches()]).toEqual([['put a 0', 'put b 0'], 0]);
    const second = start();
    await timers.advance(1);
    expect(server.openWatches()).toBe(1);
    second.stop();
    put('d');
    await timers.advance(60_000);
    expect([news(), server.openWatches()]).toEqual([['put a 0', 'put b 0', 'put c 0', 'synced'], 0]);
  });

  test('a namespaced collection is kept by namespace and name', async () => {
    const { timers, server, start } = makeWorld({ type: PODS });
    for (const namespace of ['m', 'n']) server.put(PODS, { ...thing('same'), metadata: { namespace, name: 'same' } });
    const watch = start();
    await timers.advance(1);
    expect([watch.size(), watch.get('m/same')?.name, watch.get('n/same')?.name]).toEqual([2, 'same', 'same']);
  });
});
