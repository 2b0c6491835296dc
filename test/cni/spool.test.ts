/** The spool: DELs that wait for the controller, in a pretended world and as many real processes. */
import { describe, expect, test } from 'vitest';
import { LARGEST_SPOOL } from '../../src/cni/spool.ts';
import { added, answer, configuration, pretendWorld, run, spoolOf, unreached } from './pretended-host.ts';

const SPOOL = '/var/lib/berth/spool';
const away = () => {
  const world = pretendWorld();
  world.controller = () => unreached;
  return world;
};

describe('keeping', () => {
  test('a DEL without a controller is on disk, under a name that sorts by time, and succeeds', async () => {
    const world = away();
    for (const CNI_CONTAINERID of ['c1', 'c2', 'c3']) expect((await run(world, 'DEL', configuration(), { CNI_CONTAINERID })).code).toBe(0);
    const names = [...world.files.keys()].filter((path) => path.startsWith(SPOOL));
    expect(names.every((name) => /\/\d{16}-\d{20}-7-\d+\.json$/.test(name))).toBe(true);
    expect(names.sort().map((name) => (JSON.parse(world.files.get(name) ?? '') as { containerId: string }).containerId)).toEqual([
      'c1',
      'c2',
      'c3',
    ]);
  });

  test.each([
    ['makeDirectory', 'EROFS'],
    ['createFile', 'ENOSPC'],
    ['renameFile', 'EIO'],
    ['makeDirectory', 'ENOENT'],
  ])('%s fails with %s: error 5 that says so, and no half entry stays', async (operation, failure) => {
    const world = away();
    world.fails = (one, path) => (one === operation && path.startsWith(SPOOL) ? failure : '');
    const ran = await run(world, 'DEL');
    expect(JSON.parse(ran.stdout)).toMatchObject({ code: 5, msg: expect.stringContaining(failure) as string });
    expect([...world.files.keys()].filter((path) => path.startsWith(SPOOL))).toEqual([]);
  });

  test('a full one is error 11', async () => {
    const world = away();
    for (let index = 0; index < LARGEST_SPOOL; index += 1) world.files.set(`${SPOOL}/${index}.json`, '');
    expect(JSON.parse((await run(world, 'DEL')).stdout)).toMatchObject({ code: 11 });
  });

  test.each([503, 429])('a controller that is overloaded (%i) for longer than the DEL may take is as good as away', async (status) => {
    const world = pretendWorld();
    world.controller = () => answer(status, { code: 11, detail: 'busy' }, 'Retry-After: 60\r\n');
    expect((await run(world, 'DEL')).code).toBe(0);
    expect(spoolOf(world)).toHaveLength(1);
  });
});

describe('draining', () => {
  async function withEntries(count: number) {
    const world = away();
    for (let index = 0; index < count; index += 1) await run(world, 'DEL', configuration(), { CNI_CONTAINERID: `c${index}` });
    world.sent.length = 0;
    return world;
  }

  test('comes after the answer, as one batch, oldest first', async () => {
    const world = await withEntries(3);
    world.controller = ({ path }) => (path.endsWith('/add') ? added : { released: [] });
    await run(world, 'ADD');
    expect(world.sent.map(({ path }) => path)).toEqual(['/v1/cni/add', '/v1/cni/spool']);
    expect(world.sent[1]?.body['deletes']).toMatchObject([{ containerId: 'c0' }, { containerId: 'c1' }, { containerId: 'c2' }]);
    expect(spoolOf(world)).toEqual([]);
  });

  test.each([503, 429])('waits for another call when the controller is busy (%i): nothing is set aside', async (status) => {
    const world = await withEntries(3);
    world.controller = ({ path }) => (path.endsWith('/add') ? added : answer(status, { code: 11, detail: 'busy' }, 'Retry-After: 60\r\n'));
    expect((await run(world, 'ADD')).code).toBe(0);
    expect(world.sent.map(({ path }) => path)).toEqual(['/v1/cni/add', '/v1/cni/spool']);
    expect(spoolOf(world)).toHaveLength(3);
    expect([...world.files.keys()].filter((path) => path.endsWith('.broken'))).toEqual([]);
  });

  test('is oldest first whatever the order of the directory, and an entry that cannot be read is set aside', async () => {
    const world = await withEntries(3);
    const entries = [...world.files].filter(([path]) => path.startsWith(SPOOL));
    for (const [path] of entries) world.files.delete(path);
    for (const [path, text] of entries.toReversed()) world.files.set(path, text);
    world.files.set(`${SPOOL}/0000.json`, '{"containerId":');
    world.controller = ({ path }) => (path.endsWith('/add') ? added : { released: [] });
    await run(world, 'ADD');
    expect(world.sent[1]?.body['deletes']).toMatchObject([{ containerId: 'c0' }, { containerId: 'c1' }, { containerId: 'c2' }]);
    expect([...world.files.keys()].filter((path) => path.startsWith(SPOOL))).toEqual([`${SPOOL}/0000.json.broken`]);
  });

  test('also comes after a refusal: on a full pool the DELs make room', async () => {
    const world = await withEntries(1);
    world.controller = ({ path }) => (path.endsWith('/add') ? answer(409, { code: 11, detail: 'full' }) : { released: [] });
    await run(world, 'ADD');
    expect(spoolOf(world)).toEqual([]);
  });

  test('asks the controller that has just answered: an address before it that is cut off would take all the time', async () => {
    const world = pretendWorld();
    for (const [name, text] of Object.entries({ token: 't', 'ca.crt': 'c', endpoints: 'https://10.0.0.1:1\nhttps://10.0.0.2:2\n' }))
      world.files.set(`/run/berth/identity/${name}`, text);
    world.files.set('/var/lib/berth/spool/1-2-3-4.json', JSON.stringify({ containerId: 'x', ifName: 'e', cniNetwork: 'n', stamp: {} }));
    const answers = world.controller;
    world.controller = (sent) => (sent.address === '10.0.0.1:1' ? unreached : answers(sent));
    await run(world, 'ADD');
    expect(world.sent.map(({ address, path }) => [address, path])).toEqual([
      ['10.0.0.1:1', '/v1/cni/add'],
      ['10.0.0.2:2', '/v1/cni/add'],
      ['10.0.0.2:2', '/v1/cni/spool'],
    ]);
    expect(spoolOf(world)).toEqual([]);
  });

  const withMany = (count: number) => {
    const world = pretendWorld();
    for (let index = 0; index < count; index += 1) {
      const entry = { containerId: `c${index}`, ifName: 'e', cniNetwork: 'n', stamp: {} };
      world.files.set(`${SPOOL}/${1000 + index}.json`, JSON.stringify(entry));
    }
    return world;
  };

  test('takes no more than 200 at once', async () => {
    const world = withMany(201);
    await run(world, 'DEL');
    expect(spoolOf(world)).toHaveLength(1);
  });

  test('one entry that can never be applied does not hold those of other batches', async () => {
    const world = withMany(250);
    world.controller = ({ path, body }) => {
      const deletes = (body['deletes'] ?? []) as { containerId: string }[];
      return path.endsWith('/spool') && deletes.some(({ containerId }) => containerId === 'c0')
        ? answer(503, { code: 11, detail: 'the record cannot be read' })
        : { released: [] };
    };
    await run(world, 'DEL');
    const kept = spoolOf(world).map((entry) => (entry as { containerId: string }).containerId);
    expect([kept.length, kept.includes('c0')]).toEqual([50, true]);
  });

  test('keeps everything when the controller does not answer, and asks only once', async () => {
    const world = await withEntries(2);
    world.controller = ({ path }) => (path.endsWith('/spool') ? unreached : { released: [] });
    await run(world, 'DEL');
    expect(world.sent.filter(({ path }) => path.endsWith('/spool'))).toHaveLength(1);
    expect(spoolOf(world)).toHaveLength(2);
  });

  test('has all of its two seconds for one attempt: a batch that takes longer than one is not sent twice in vain', async () => {
    const world = await withEntries(2);
    world.exchangeMs = 1500;
    world.controller = () => ({ released: [] });
    await run(world, 'DEL');
    expect(world.sent.filter(({ path }) => path.endsWith('/spool'))).toMatchObject([{ limitMs: 2000 }]);
    expect(spoolOf(world)).toEqual([]);
  });

  test('one entry that the controller refuses does not hold the others', async () => {
    const world = await withEntries(3);
    world.controller = ({ path, body }) => {
      const deletes = (body['deletes'] ?? []) as { containerId: string }[];
      return path.endsWith('/spool') && deletes.some(({ containerId }) => containerId === 'c1')
        ? answer(400, { code: 7, detail: 'bad' })
        : { released: [] };
    };
    await run(world, 'DEL');
    expect(spoolOf(world)).toEqual([]);
    expect([...world.files.keys()].filter((path) => path.endsWith('.broken'))).toHaveLength(1);
  });

  test('STATUS and VERSION do not drain', async () => {
    const world = await withEntries(1);
    world.files.set('/run/berth/x', '');
    for (const verb of ['STATUS', 'VERSION']) expect((await run(world, verb)).code).toBe(0);
    expect([world.sent, spoolOf(world).length]).toEqual([[], 1]);
  });

  test('leftovers of killed writers go after an hour, not before', async () => {
    const world = pretendWorld();
    world.files.set(`${SPOOL}/.0000000000000001-00000000000000000001-7-1.tmp`, 'half');
    world.files.set(`${SPOOL}/.0000000000000001-00000005000000000000-7-1.tmp`, 'half');
    await run(world, 'DEL');
    expect([...world.files.keys()].filter((path) => path.endsWith('.tmp'))).toEqual([
      `${SPOOL}/.0000000000000001-00000005000000000000-7-1.tmp`,
    ]);
  });
});
