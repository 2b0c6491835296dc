/** Each route's good and bad side, with the real operations on a real database behind a real socket. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { cniAdd, cniDel, stamp } from './requests.ts';
import { poolDocument, serveReal } from './serve.ts';
import type { RealServed } from './serve.ts';

const blue = poolDocument('blue', {
  ranges: [{ cidr: '10.0.0.0/29' }],
  subnet: '10.0.0.0/24',
  gateway: '10.0.0.1',
  default: true,
  placement: 'Lowest',
});

async function withBlue(): Promise<RealServed> {
  const served = await serveReal();
  expect((await served.ask('PUT', '/v1/pools/blue', blue)).status).toBe(201);
  return served;
}

const later = (ticks: number) => ({ ...stamp, startedTicks: stamp.startedTicks + ticks });
const allocation = (subid: string, more: object = {}) => ({
  pools: ['blue'],
  subinstance: 't',
  subid,
  resource: { type: 'vm', value: subid },
  ...more,
});

describe('/v1/cni', () => {
  test('add, the same again, check, del, del again', async () => {
    const { ask } = await withBlue();
    const added = await ask('POST', '/v1/cni/add', cniAdd());
    expect([added.status, added.json]).toEqual([
      200,
      { addresses: [{ address: '10.0.0.2/24', gateway: '10.0.0.1', pool: 'blue' }], routes: [] },
    ]);
    expect((await ask('POST', '/v1/cni/add', cniAdd({ stamp: later(1) }))).json).toEqual(added.json);
    expect((await ask('POST', '/v1/cni/check', { ...cniAdd({ stamp: later(2) }), prevAddresses: ['10.0.0.2/24'] })).json).toEqual({});
    const released = { released: [{ address: '10.0.0.2', network: 'default', pool: 'blue', subinstance: 'default', subid: 'c1' }] };
    expect((await ask('POST', '/v1/cni/del', cniDel({ stamp: later(3) }))).json).toEqual(released);
    expect((await ask('POST', '/v1/cni/del', cniDel({ stamp: later(4) }))).json).toEqual({ released: [] });
    const check = await ask('POST', '/v1/cni/check', { ...cniAdd({ stamp: later(5) }), prevAddresses: ['10.0.0.2/24'] });
    expect([check.status, check.json.reason]).toEqual([404, 'BindingNotFound']);
  });

  test('the node of a caller on the socket is the controller’s own', async () => {
    const { ask } = await withBlue();
    await ask('POST', '/v1/cni/add', cniAdd());
    const { json } = await ask('GET', '/v1/bindings?node=node-1');
    expect(json.items[0].spec.attachments[0]).toMatchObject({ node: 'node-1', containerId: 'c1', ifName: 'eth0' });
  });

  test('a full pool says which pool, why, and code 11', async () => {
    const { ask } = await withBlue();
    for (let index = 0; index < 6; index += 1) await ask('POST', '/v1/allocate', allocation(`s${index}`));
    const { status, json } = await ask('POST', '/v1/cni/add', cniAdd());
    expect([status, json.code, json.reason]).toEqual([409, 11, 'PoolFull']);
    expect(json.pools).toMatchObject([{ pool: 'blue', reason: 'PoolFull' }]);
  });

  test('an unknown pool is code 101, a held address 102, a reserved one 103, a malformed one 4', async () => {
    const { ask } = await withBlue();
    await ask('POST', '/v1/allocate', allocation('s1', { address: '10.0.0.3' }));
    const add = async (more: object) => {
      const { status, json } = await ask('POST', '/v1/cni/add', cniAdd(more));
      return [status, json.code, json.reason];
    };
    expect(await add({ pools: ['green'] })).toEqual([404, 101, 'UnknownPool']);
    expect(await add({ requested: ['10.0.0.3'] })).toEqual([409, 102, 'IpAlreadyAllocated']);
    expect(await add({ requested: ['10.0.0.1'] })).toEqual([409, 103, 'IpNotAvailable']);
    expect(await add({ requested: ['10.0.0.3000'] })).toEqual([400, 4, 'InvalidIpAddress']);
  });

  test('gc releases what is not in the list, of its own network only', async () => {
    const { ask } = await withBlue();
    for (const containerId of ['c1', 'c2']) await ask('POST', '/v1/cni/add', cniAdd({ containerId }));
    await ask('POST', '/v1/cni/add', cniAdd({ containerId: 'c3', cniNetwork: 'n2' }));
    const gc = {
      cniVersion: '1.1.0',
      cniNetwork: 'n1',
      stamp: later(9),
      validAttachments: [{ containerId: 'c1', ifName: 'eth0' }],
      gcMinAgeSeconds: 0,
    };
    const { json } = await ask('POST', '/v1/cni/gc', gc);
    expect(json.released.map(({ subid }: { subid: string }) => subid)).toEqual(['c2']);
  });

  test('spool: each entry is applied, the unknown ones are no failure', async () => {
    const { ask } = await withBlue();
    await ask('POST', '/v1/cni/add', cniAdd());
    const { json } = await ask('POST', '/v1/cni/spool', {
      deletes: [cniDel({ containerId: 'other', stamp: later(1) }), cniDel({ stamp: later(1) })],
    });
    expect(json.released.map(({ subid }: { subid: string }) => subid)).toEqual(['c1']);
  });
});

describe('many at once', () => {
  const addressOf = ({ json }: { readonly json: any }) => json.addresses?.[0].address as string | undefined;

  test('40 parallel ADDs get 40 addresses', async () => {
    const { ask } = await serveReal();
    await ask('PUT', '/v1/pools/wide', poolDocument('wide', { ranges: [{ cidr: '10.1.0.0/24' }], default: true }));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => ask('POST', '/v1/cni/add', cniAdd({ containerId: `c${index}` }))),
    );
    expect(new Set(answers.map(addressOf)).size).toBe(40);
    expect((await ask('GET', '/v1/stats')).json.pools[0].allocated).toBe('40');
  });

  test('20 parallel ADDs for 6 addresses: 6 get one, 14 are told that the pool is full', async () => {
    const { ask } = await withBlue();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask('POST', '/v1/cni/add', cniAdd({ containerId: `c${index}` }))),
    );
    const given = answers.flatMap((answer) => addressOf(answer) ?? []);
    expect([given.length, new Set(given).size]).toEqual([6, 6]);
    expect(answers.filter(({ json }) => json.reason === 'PoolFull')).toHaveLength(14);
  });

  test('the same ADD eight times at once, then with its DEL: one address, then none', async () => {
    const { ask } = await withBlue();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask('POST', '/v1/cni/add', cniAdd())));
    expect([...new Set(answers.map(addressOf))]).toEqual(['10.0.0.2/24']);
    await Promise.all([ask('POST', '/v1/cni/add', cniAdd({ stamp: later(1) })), ask('POST', '/v1/cni/del', cniDel({ stamp: later(2) }))]);
    expect((await ask('GET', '/v1/bindings')).json.items).toEqual([]);
    expect((await ask('POST', '/v1/check')).json.findings).toEqual([]);
  });
});

describe('/v1/pools', () => {
  test('put creates, says unchanged, updates, and compares versions', async () => {
    const { ask } = await serveReal();
    const created = await ask('PUT', '/v1/pools/blue', blue);
    expect([created.status, created.headers['berth-change']]).toEqual([201, 'created']);
    expect(created.json).toMatchObject({
      kind: 'AddressPool',
      metadata: { name: 'blue' },
      status: { total: '8', reserved: '2', allocated: '0', available: '6' },
    });
    const again = await ask('PUT', '/v1/pools/blue', created.json);
    expect([again.status, again.headers['berth-change']]).toEqual([200, 'unchanged']);
    const wider = poolDocument('blue', { ...blue.spec, priority: 5 }, { resourceVersion: created.json.metadata.resourceVersion });
    const updated = await ask('PUT', '/v1/pools/blue', wider);
    expect([updated.status, updated.headers['berth-change'], updated.json.spec.priority]).toEqual([200, 'updated', 5]);
    const stale = await ask('PUT', '/v1/pools/blue', { ...wider, spec: { ...wider.spec, priority: 6 } });
    expect([stale.status, stale.json.reason]).toEqual([409, 'Conflict']);
  });

  test('a dry run says what it would do and does nothing', async () => {
    const { ask } = await serveReal();
    const dry = await ask('PUT', '/v1/pools/blue?dryRun=true', blue);
    expect([dry.status, dry.headers['berth-change']]).toEqual([200, 'created']);
    expect((await ask('GET', '/v1/pools')).json).toEqual({ items: [] });
    expect((await ask('GET', '/v1/pools/blue')).json).toMatchObject({ status: 404, reason: 'UnknownPool' });
  });

  test('overlap and nonsense are refused', async () => {
    const { ask } = await withBlue();
    const overlap = await ask('PUT', '/v1/pools/red', poolDocument('red', { ranges: [{ cidr: '10.0.0.4/30' }] }));
    expect([overlap.status, overlap.json.reason]).toEqual([400, 'InvalidRange']);
    const nonsense = await ask('PUT', '/v1/pools/red', poolDocument('red', { ranges: [{ cidr: '10.0.0.0/99' }] }));
    expect(nonsense.status).toBe(400);
    const other = await ask('PUT', '/v1/pools/red', poolDocument('red', { network: 'red', ranges: [{ cidr: '10.0.0.0/24' }] }));
    expect(other.status).toBe(201);
  });

  test('get, list and stats agree, beyond 2^53 too', async () => {
    const { ask } = await serveReal();
    await ask('PUT', '/v1/pools/six', poolDocument('six', { ranges: [{ cidr: 'fd00::/48' }] }));
    const { status } = (await ask('GET', '/v1/pools/six')).json;
    expect(status.total).toBe('1208925819614629174706176');
    expect((await ask('GET', '/v1/pools')).json.items[0].status).toEqual(status);
    expect((await ask('GET', '/v1/stats')).json).toEqual({
      pools: [{ pool: 'six', network: 'default', family: 'IPv6', state: 'Active', ...status }],
    });
  });

  test('delete: not with bindings, unless forced; then it is gone', async () => {
    const { ask } = await withBlue();
    await ask('POST', '/v1/allocate', allocation('s1'));
    const refused = await ask('DELETE', '/v1/pools/blue');
    expect([refused.status, refused.json.reason]).toEqual([409, 'PoolInUse']);
    expect((await ask('DELETE', '/v1/pools/blue?force=true&dryRun=true')).status).toBe(200);
    expect((await ask('GET', '/v1/pools/blue')).status).toBe(200);
    const deleted = await ask('DELETE', '/v1/pools/blue?force=true');
    expect([deleted.status, deleted.json.metadata.name]).toEqual([200, 'blue']);
    expect((await ask('DELETE', '/v1/pools/blue')).json).toMatchObject({ status: 404, reason: 'UnknownPool' });
  });
});

describe('/v1/allocate, release, renew, bindings, explain', () => {
  test('allocate is idempotent and shows times as RFC 3339', async () => {
    const { ask } = await withBlue();
    const first = await ask('POST', '/v1/allocate', allocation('s1', { leaseSeconds: 3600, tags: { rack: '7' } }));
    expect(first.json).toMatchObject({
      kind: 'AddressBinding',
      metadata: { name: 'default.10-0-0-2' },
      spec: { address: '10.0.0.2', subid: 's1', tags: { rack: '7' } },
    });
    expect(first.json.spec.boundAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(first.json.spec.expiresAt) - Date.parse(first.json.spec.boundAt)).toBe(3_600_000);
    expect((await ask('POST', '/v1/allocate', allocation('s1'))).json.spec.address).toBe('10.0.0.2');
    expect((await ask('POST', '/v1/allocate', allocation('s2'))).json.spec.address).toBe('10.0.0.3');
  });

  test('a held address names its holder', async () => {
    const { ask } = await withBlue();
    await ask('POST', '/v1/allocate', allocation('s1', { address: '10.0.0.5' }));
    const { status, json } = await ask('POST', '/v1/allocate', allocation('s2', { address: '10.0.0.5' }));
    expect([status, json.reason, json.holder, json.address]).toEqual([409, 'IpAlreadyAllocated', 't/s1', '10.0.0.5']);
  });

  test('release: by address, by subject, by subinstance, and a dry run', async () => {
    const { ask } = await withBlue();
    for (const subid of ['s1', 's2', 's3', 's4']) await ask('POST', '/v1/allocate', allocation(subid));
    const released = async (body: object) =>
      (await ask('POST', '/v1/release', body)).json.released?.map(({ subid }: { subid: string }) => subid);
    expect(await released({ subinstance: 't', dryRun: true })).toEqual(['s1', 's2', 's3', 's4']);
    expect(await released({ address: '10.0.0.2' })).toEqual(['s1']);
    expect(await released({ subinstance: 't', subid: 's2' })).toEqual(['s2']);
    expect(await released({ subinstance: 't' })).toEqual(['s3', 's4']);
    const nobody = await ask('POST', '/v1/release', { address: '10.0.0.2' });
    expect([nobody.status, nobody.json.reason]).toEqual([404, 'BindingNotFound']);
  });

  test('renew moves the end of a lease', async () => {
    const { ask } = await withBlue();
    const before = (await ask('POST', '/v1/allocate', allocation('s1', { leaseSeconds: 60 }))).json.spec.expiresAt;
    const renewed = await ask('POST', '/v1/renew', { address: '10.0.0.2', leaseSeconds: 7200 });
    expect(Date.parse(renewed.json.spec.expiresAt)).toBeGreaterThan(Date.parse(before) + 3_600_000);
    expect((await ask('POST', '/v1/renew', { address: '10.0.0.6', leaseSeconds: 60 })).json).toMatchObject({
      status: 404,
      reason: 'BindingNotFound',
    });
  });

  test('bindings are filtered, in address order, page by page', async () => {
    const { ask } = await withBlue();
    for (const subid of ['s1', 's2', 's3', 's4', 's5']) await ask('POST', '/v1/allocate', allocation(subid, { tags: { n: subid } }));
    await ask('POST', '/v1/release', { subinstance: 't', subid: 's5' });
    const list = async (query: string) => (await ask('GET', `/v1/bindings?${query}`)).json;
    const subids = ({ items }: { items: { spec: { subid: string } }[] }) => items.map(({ spec }) => spec.subid);
    const first = await list('limit=3');
    expect([subids(first), typeof first.continue]).toEqual([['s1', 's2', 's3'], 'string']);
    const second = await list(`limit=3&continue=${first.continue}`);
    expect([subids(second), second.continue]).toEqual([['s4'], undefined]);
    expect(subids(await list('limit=4'))).toEqual(['s1', 's2', 's3', 's4']);
    expect((await list('limit=4')).continue).toBeUndefined();
    expect(subids(await list('state=released'))).toEqual(['s5']);
    expect(subids(await list('state=all'))).toHaveLength(5);
    expect(subids(await list('subinstance=t&subid=s2'))).toEqual(['s2']);
    expect(subids(await list('resource=vm:s3'))).toEqual(['s3']);
    expect(subids(await list('tag=n=s4'))).toEqual(['s4']);
    expect(subids(await list('tag=n'))).toHaveLength(4);
    expect(subids(await list('address=10.0.0.2'))).toEqual(['s1']);
    expect(subids(await list('subinstance=nobody'))).toEqual([]);
    expect(subids(await list('node=elsewhere'))).toEqual([]);
    expect(await list('limit=0')).toMatchObject({ status: 400, detail: 'limit: must be a number from 1 to 5000.' });
    expect(await list('resource=vm')).toMatchObject({ status: 400 });
    expect(await list('state=free')).toMatchObject({ status: 400 });
  });

  test('one binding by its address, in any spelling', async () => {
    const { ask } = await serveReal();
    await ask('PUT', '/v1/pools/six', poolDocument('six', { ranges: [{ cidr: 'fd00::/64' }], placement: 'Lowest' }));
    const { address } = (await ask('POST', '/v1/allocate', { ...allocation('s1'), pools: ['six'], address: 'fd00::5' })).json.spec;
    expect(address).toBe('fd00::5');
    expect((await ask('GET', '/v1/bindings/default/fd00:0:0::0005')).json.spec.subid).toBe('s1');
    expect((await ask('GET', '/v1/bindings/default/fd00::6')).json).toMatchObject({ status: 404, reason: 'BindingNotFound' });
    expect((await ask('GET', '/v1/bindings/default/nonsense')).status).toBeGreaterThanOrEqual(400);
  });

  test('explain: free, held, cooling, reserved, outside', async () => {
    const { ask } = await withBlue();
    await ask('POST', '/v1/allocate', allocation('s1', { address: '10.0.0.2' }));
    await ask('POST', '/v1/allocate', allocation('s2', { address: '10.0.0.3' }));
    await ask('POST', '/v1/release', { address: '10.0.0.3' });
    const state = async (address: string) => (await ask('GET', `/v1/explain/default/${address}`)).json.state;
    expect(await state('10.0.0.4')).toBe('free');
    expect(await state('10.0.0.2')).toBe('held');
    expect(await state('10.0.0.3')).toBe('cooling');
    expect(await state('10.0.0.1')).toBe('reserved');
    expect(await state('192.0.2.1')).toBe('outside');
    const cooling = (await ask('GET', '/v1/explain/default/10.0.0.3')).json;
    expect(cooling.binding.spec).toMatchObject({ subid: 's2' });
    expect(Date.parse(cooling.availableAt)).toBeGreaterThan(Date.now() - 1_000);
    expect((await ask('GET', '/v1/explain/default/10.0.0.300')).json).toMatchObject({ status: 400, reason: 'InvalidIpAddress' });
  });
});

describe('the controller itself', () => {
  test('version, check, collect', async () => {
    const { ask } = await withBlue();
    expect((await ask('GET', '/v1/version')).json).toEqual({ version: '1.2.3', store: 'sqlite' });
    await ask('POST', '/v1/allocate', allocation('s1'));
    expect((await ask('POST', '/v1/check')).json).toEqual({ checked: { pools: 1, bindings: 1 }, findings: [] });
    expect((await ask('POST', '/v1/check', { repair: true, dryRun: true })).json.findings).toEqual([]);
    expect((await ask('POST', '/v1/collect', { dryRun: true })).json).toEqual({ released: [], held: [], dryRun: true });
  });

  test('backup is a database with everything in it', async () => {
    const { ask, socketPath, folder } = await withBlue();
    await ask('POST', '/v1/allocate', allocation('s1'));
    const copy = join(folder, 'copy.db');
    await download(socketPath, copy);
    const database = new DatabaseSync(copy, { readOnly: true });
    expect(database.prepare('SELECT name FROM bindings').all()).toEqual([{ __proto__: null, name: 'default.10-0-0-2' }]);
    database.close();
  });

  test('a store without backup says so', async () => {
    const { ask } = await serveReal({ store: 'memory', backup: undefined as never });
    expect((await ask('GET', '/v1/backup')).json).toMatchObject({ status: 400, detail: 'The memory store has no backup of its own.' });
  });

  test('a backup that cannot be made is a sentence', async () => {
    const { ask } = await serveReal({ backup: () => Promise.reject(new Error('not enough free space')) });
    expect((await ask('GET', '/v1/backup')).json).toMatchObject({ status: 503, detail: 'No backup was made: not enough free space.' });
  });
});

async function download(socketPath: string, file: string): Promise<void> {
  const { request } = await import('node:http');
  const { buffer } = await import('node:stream/consumers');
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    request({ socketPath, path: '/v1/backup' }, (response) => {
      expect(response.headers['content-type']).toBe('application/vnd.sqlite3');
      buffer(response).then(resolve, reject);
    }).end();
  });
  await writeFile(file, bytes);
  expect((await readFile(file)).subarray(0, 15).toString()).toBe('SQLite format 3');
}
