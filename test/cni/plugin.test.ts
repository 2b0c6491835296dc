/** The plugin's decisions in a pretended world: what it asks, when it gives up, what it keeps. */
import { describe, expect, test } from 'vitest';
import type { Exchanged } from '../../src/cni/host.ts';
import { added, answer, configuration, lost, pretendWorld, run, spoolOf, unreached } from './pretended-host.ts';

const problem = (status: number, code: number, detail: string, more: object = {}): Exchanged =>
  answer(status, { status, code, reason: 'PoolFull', detail, ...more });
const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1);
  return list[0] as T;
};

describe('what is asked', () => {
  test('ADD carries key, stamp, pod, pools, families and requested addresses, and nothing that is not there', async () => {
    const world = pretendWorld();
    const ipam = { pools: ['a', ['b', 'c']], families: ['IPv4'] };
    const args = 'K8S_POD_UID=u;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=p;IP=10.0.0.5,fd00::5/64';
    await run(world, 'ADD', configuration(ipam), { CNI_ARGS: args });
    await run(world, 'ADD');
    expect(world.sent[0]).toMatchObject({ address: 'unix:/run/berth/berth.sock', path: '/v1/cni/add', token: '' });
    expect(world.sent[0]?.body).toEqual({
      cniVersion: '1.1.0',
      cniNetwork: 'n1',
      containerId: 'c1',
      ifName: 'eth0',
      stamp: { bootId: 'boot-1', startedTicks: 4711, monotonicNs: expect.stringMatching(/^5000/) as string, attempt: 1 },
      pod: { namespace: 'ns', name: 'p', uid: 'u' },
      pools: ['a', ['b', 'c']],
      families: ['IPv4'],
      requested: ['10.0.0.5', 'fd00::5/64'],
    });
    expect(Object.keys(world.sent[1]?.body ?? {})).toEqual(['cniVersion', 'cniNetwork', 'containerId', 'ifName', 'stamp']);
  });

  test('without /proc the stamp comes from the host', async () => {
    const world = pretendWorld();
    world.files.clear();
    expect((await run(world, 'ADD')).code).toBe(0);
    expect(world.sent[0]?.body['stamp']).toMatchObject({ bootId: '', startedTicks: 99 });
  });

  test('DEL carries prevResult as a hint; without an ipam section it asks the default controller', async () => {
    const world = pretendWorld();
    const prevResult = { ips: [{ address: '10.0.0.5/24' }, { address: 'nonsense!' }, 7] };
    await run(world, 'DEL', JSON.stringify({ cniVersion: '0.4.0', name: 'n1', prevResult }));
    expect(only(world.sent)).toMatchObject({ address: 'unix:/run/berth/berth.sock', body: { prevAddresses: ['10.0.0.5'] } });
  });

  test('GC carries the list and the age, and no attachment of its own', async () => {
    const world = pretendWorld();
    await run(
      world,
      'GC',
      configuration({ gcMinAgeSeconds: 5 }, { 'cni.dev/valid-attachments': [{ containerID: 'c', ifname: 'e', extra: 1 }] }),
    );
    expect(only(world.sent).body).toMatchObject({
      cniNetwork: 'n1',
      validAttachments: [{ containerId: 'c', ifName: 'e' }],
      gcMinAgeSeconds: 5,
    });
    expect(only(world.sent).body).not.toHaveProperty('containerId');
  });

  test('text outside ASCII travels as ASCII: its length in bytes is what Content-Length says', async () => {
    const world = pretendWorld();
    await run(world, 'ADD', configuration(), { CNI_ARGS: 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pöd-💧' });
    expect(only(world.sent).body['pod']).toEqual({ namespace: 'ns', name: 'pöd-💧' });
  });
});

describe('patience', () => {
  test('a controller that refuses connections: ADD gives up in 3 s, DEL in 1 s, each attempt with its number', async () => {
    for (const [verb, limit] of [
      ['ADD', 3000],
      ['DEL', 1000],
      ['CHECK', 2000],
    ] as const) {
      const world = pretendWorld();
      world.controller = () => unreached;
      expect((await run(world, verb)).elapsedMs).toBeLessThanOrEqual(limit);
      expect(world.sent.map(({ body }) => (body['stamp'] as { attempt: number }).attempt)).toEqual(
        world.sent.map((_one, index) => index + 1),
      );
      expect(world.sent.length).toBeGreaterThan(2);
    }
  });

  test('a controller that comes up meanwhile serves the ADD', async () => {
    const world = pretendWorld();
    world.controller = ({ atMs }) => (atMs < 1500 ? unreached : added);
    expect(await run(world, 'ADD')).toMatchObject({ code: 0, stdout: expect.stringContaining('10.0.0.5/24') as string });
  });

  test('a controller that hangs has 30 s for an ADD and 10 s for a DEL, and no more', async () => {
    const [adding, deleting] = [pretendWorld(), pretendWorld()];
    adding.exchangeMs = deleting.exchangeMs = 60_000;
    const add = await run(adding, 'ADD');
    expect(JSON.parse(add.stdout)).toMatchObject({ code: 11 });
    // And what it may have done is taken back: 3 s more at most.
    expect([add.elapsedMs <= 33_000, spoolOf(adding).length]).toEqual([true, 1]);
    // Half of it for the first attempt: what that one lost is asked for again.
    expect(adding.sent.slice(0, 2).map(({ path, limitMs }) => [path, limitMs])).toEqual([
      ['/v1/cni/add', 15_000],
      ['/v1/cni/add', expect.any(Number)],
    ]);
    const del = await run(deleting, 'DEL');
    expect([del.code, del.stdout, del.elapsedMs <= 10_000]).toEqual([0, '', true]);
  });

  test('503 and 429 say when to come back, in the header or in the problem', async () => {
    const world = pretendWorld();
    world.controller = ({ body }) => {
      const attempt = (body['stamp'] as { attempt: number }).attempt;
      if (attempt === 1) return answer(503, { code: 11, detail: 'busy', reason: 'Overloaded' }, 'Retry-After: 4\r\n');
      return attempt === 2 ? problem(429, 11, 'busy', { retryAfterSeconds: 2 }) : added;
    };
    expect((await run(world, 'ADD')).code).toBe(0);
    expect(world.sent.map(({ atMs }) => atMs)).toEqual([0, 4000, 6000]);
  });

  test('503 for longer than the deadline ends at once, with its own words', async () => {
    const world = pretendWorld();
    world.controller = () => problem(503, 11, 'the queue is full', { retryAfterSeconds: 60 });
    const ran = await run(world, 'ADD');
    expect([JSON.parse(ran.stdout), ran.elapsedMs]).toMatchObject([{ code: 11, msg: 'the queue is full' }, 0]);
  });

  test.each([
    ['nothing', lost],
    ['not HTTP', ['answered', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', '']],
    ['half an answer', ['answered', 'HTTP/1.1 200 OK\r\n\r\n{"addresses":[{"address":"10.0', 'ECONNRESET']],
    ['an empty set', { addresses: [], routes: [] }],
    ['no address', { addresses: [{ address: 5 }], routes: [] }],
    ['a list', ['answered', 'HTTP/1.1 200 OK\r\n\r\n[]', '']],
    ['an internal error', problem(500, 11, 'oops')],
  ] as const)('%s instead of an answer: error 11, and the ADD is taken back', async (_name, said) => {
    const world = pretendWorld();
    world.controller = ({ path }) => (path.endsWith('/add') ? (said as object) : { released: [] });
    const ran = await run(world, 'ADD');
    expect(JSON.parse(ran.stdout)).toMatchObject({ code: 11 });
    expect(ran.elapsedMs).toBeLessThanOrEqual(3000);
    const last = world.sent.at(-1);
    const adds = world.sent.filter(({ path }) => path.endsWith('/add')).length;
    expect(last).toMatchObject({ path: '/v1/cni/del', body: { stamp: { attempt: adds + 1 } } });
  });

  test('an attempt whose answer was lost is taken back also when the controller is out of reach from then on', async () => {
    const world = pretendWorld();
    world.controller = ({ body }) => ((body['stamp'] as { attempt: number }).attempt === 1 ? lost : unreached);
    expect((await run(world, 'ADD')).code).toBe(1);
    expect(world.sent.filter(({ path }) => path.endsWith('/add')).length).toBeGreaterThan(1);
    expect(only(spoolOf(world))).toMatchObject({ containerId: 'c1' });
  });

  test.each([
    ['is busy', answer(503, { code: 11, detail: 'busy' }, 'Retry-After: 60\r\n')],
    ['refuses it', problem(403, 103, 'not yours')],
    ['says something else', { hello: 'world' }],
  ])('what cannot be taken back because the controller %s goes to the spool', async (_what, said) => {
    const world = pretendWorld();
    world.controller = ({ path }) => (path.endsWith('/add') ? lost : said);
    expect((await run(world, 'ADD')).code).toBe(1);
    expect(only(spoolOf(world))).toMatchObject({ containerId: 'c1' });
  });

  test('a 200 that does not tell what was released is no answer to a DEL', async () => {
    const world = pretendWorld();
    world.controller = () => ({ hello: 'world' });
    expect((await run(world, 'DEL')).code).toBe(0);
    expect(only(spoolOf(world))).toMatchObject({ containerId: 'c1' });
  });

  test('nothing is taken back when nothing was sent, or when the controller said no', async () => {
    for (const said of [unreached, problem(409, 11, 'full')]) {
      const world = pretendWorld();
      world.controller = () => said;
      await run(world, 'ADD');
      expect(world.sent.filter(({ path }) => path.endsWith('/del'))).toEqual([]);
      expect(spoolOf(world)).toEqual([]);
    }
  });
});

describe('an answer that cannot be printed', () => {
  test('the ADD is taken back with its own stamp and the next attempt', async () => {
    const world = pretendWorld();
    world.printable = false;
    expect((await run(world, 'ADD')).code).toBe(1);
    const [add, del] = world.sent;
    expect(del?.path).toBe('/v1/cni/del');
    expect(del?.body['stamp']).toEqual({ ...(add?.body['stamp'] as object), attempt: 2 });
  });

  test('by way of the spool when the controller has gone meanwhile', async () => {
    const world = pretendWorld();
    world.printable = false;
    world.controller = ({ path }) => (path.endsWith('/add') ? added : unreached);
    await run(world, 'ADD');
    expect(only(spoolOf(world))).toMatchObject({ containerId: 'c1', stamp: { startedTicks: 4711 } });
  });
});

describe('refusals', () => {
  test('say every pool that was tried', async () => {
    const world = pretendWorld();
    world.controller = () =>
      problem(409, 11, 'no address is left', { pools: [{ pool: 'a', detail: 'full: 5 of 5' }, { pool: 'b', detail: 'draining' }, 7] });
    expect(JSON.parse((await run(world, 'ADD')).stdout)).toEqual({
      cniVersion: '1.1.0',
      code: 11,
      msg: 'no address is left',
      details: 'pool "a": full: 5 of 5; pool "b": draining',
    });
  });

  test.each([3, 0, 50, 99, 1000, -1, 1.5, 100.5])('a code %d from the controller becomes 11', async (code) => {
    const world = pretendWorld();
    world.controller = () => problem(409, code, 'no');
    expect(JSON.parse((await run(world, 'ADD')).stdout)).toMatchObject({ code: 11 });
  });

  test('a bug inside is one document without a stack; the log has it', async () => {
    const world = pretendWorld();
    world.fails = (operation) => {
      if (operation === 'makeDirectory') throw new TypeError('x is not a function');
      return '';
    };
    world.controller = () => unreached;
    const ran = await run(world, 'DEL');
    expect(JSON.parse(ran.stdout)).toEqual({ cniVersion: '1.1.0', code: 999, msg: 'the plugin failed inside; see its log' });
    expect(world.files.get('/var/log/berth/berth.log')).toContain('x is not a function');
  });

  test('a bug after the answer changes nothing', async () => {
    const world = pretendWorld();
    world.files.set('/var/lib/berth/spool/1-2-3-4.json', JSON.stringify({ containerId: 'x', ifName: 'e', cniNetwork: 'n', stamp: {} }));
    world.controller = ({ path }) => {
      if (path.endsWith('/spool')) throw new TypeError('bug');
      return added;
    };
    const ran = await run(world, 'ADD');
    expect([ran.code, ran.stdout.split('\n').length]).toEqual([0, 2]);
  });
});

test('a node without its identity is told so, not only that there is no socket', async () => {
  const world = pretendWorld();
  world.controller = () => unreached;
  const details = '/run/berth/berth.sock: ECONNREFUSED; asked there because /run/berth/identity/endpoints is missing or empty';
  expect(JSON.parse((await run(world, 'ADD')).stdout)).toMatchObject({ code: 11, details: `unix:${details}` });
  const configured = await run(world, 'ADD', configuration({ controller: 'unix:///s' }));
  expect(JSON.parse(configured.stdout)).toMatchObject({ details: 'unix:/s: ECONNREFUSED' });
});

describe('the log', () => {
  const file = '/var/log/berth/berth.log';
  test.each([
    ['cannot be turned', 'EPERM', false],
    ['has just been turned by another call', 'ENOENT', true],
  ])('when full, and it %s', async (_name, failure, grows) => {
    const world = pretendWorld();
    const full = 'x'.repeat(512 * 1024);
    world.files.set(file, full);
    world.fails = (operation) => (operation === 'renameFile' ? failure : '');
    expect((await run(world, 'ADD')).code).toBe(0);
    expect((world.files.get(file) ?? '').length > full.length).toBe(grows);
  });
});
