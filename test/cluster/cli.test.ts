/** berthctl on a cluster, with the rights of who asks: what it shows, changes, and names when a right is missing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { berthctl, type Result } from '../cli/berthctl.ts';
import { binding, BINDINGS, pool, POOLS, released } from '../crds/objects.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS } from '../../src/kubernetes/objects.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { makeNamespace, makeNode, makePod, newBootId } from '../support/cluster-workloads.ts';
import { deleteAll } from './clients.ts';
import { writeKubeconfig } from './kubeconfig.ts';

describeCluster('berthctl with a kubeconfig', () => {
  let directory: string;
  let powerless: string;

  const run = (command: string, kubeconfig = apiServer().kubeconfig, input?: string): Promise<Result> =>
    berthctl(command.split(' '), { environment: { KUBECONFIG: kubeconfig }, ...(input !== undefined && { input }) });
  const done = async (command: string, input?: string): Promise<string> => {
    const { stdout, stderr, exitCode } = await run(command, undefined, input);
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('unexpected')]);
    return stdout;
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'berth-cluster-cli-'));
    for (const type of [ADDRESS_BINDINGS, ADDRESS_POOLS]) await deleteAll(type);
    await makeNamespace('berthctl');
    powerless = await writeKubeconfig(directory, 'berthctl', 'default');
    for (const object of [binding(), binding({ ...released, address: '10.244.1.9', subid: 'gone' }, 'default.10-244-1-9')]) {
      expect((await request('POST', BINDINGS, object)).status).toBe(201);
    }
    const spec = { ranges: [{ cidr: '10.244.1.0/24' }], default: true };
    expect((await request('POST', POOLS, pool(spec))).status).toBe(201);
  });
  afterAll(async () => {
    for (const type of [ADDRESS_BINDINGS, ADDRESS_POOLS]) await deleteAll(type);
    rmSync(directory, { recursive: true, force: true });
  });

  test('shows pools and bindings as on a socket', async () => {
    expect(await done('pool list --no-headers')).toMatch(/^pods +10\.244\.1\.0\/24 +IPv4 +256 +1 +/);
    expect(await done('binding list -n shop -o name')).toBe('addressbinding/default.10-244-1-7\n');
    expect(await done('binding list --state released -o name')).toBe('addressbinding/default.10-244-1-9\n');
    expect(await done('binding get 10.244.1.7 --no-headers')).toMatch(/^10\.244\.1\.7 +Bound +shop +cart-0 +worker-1 +pods /);
    expect(await done('find --resource pod:shop/cart-0 -o name')).toBe('addressbinding/default.10-244-1-7\n');
    expect(await done('who 10.244.1.7 -o name')).toBe('addressbinding/default.10-244-1-7\n');
    expect((await run('who 10.244.1.9')).exitCode).toBe(4);
    expect(await done('ip shop/cart-0')).toBe('10.244.1.7\n');
    expect((await run('ip shop/gone')).exitCode).toBe(4);
    expect((await run('ip shop')).exitCode).toBe(2);
    expect((await run('find 10.244.1.200')).exitCode).toBe(4);
    expect((await run('binding get 10.244.1.200')).exitCode).toBe(4);
    expect(JSON.parse(await done('stats -o json')).pools).toMatchObject([{ pool: 'pods', total: '256', allocated: '1' }]);
    expect(await done('explain 10.244.1.7')).toContain('held by shop/cart-0 (pod shop/cart-0 on worker-1)');
    expect(await done('explain 10.9.9.9')).toContain('lies in no pool of network default');
    expect(JSON.parse(await done('check -o json'))).toEqual({ checked: { pools: 1, bindings: 2 }, findings: [] });
  });

  test('explains a pod: what it holds, and every pool with its answer', async () => {
    await makeNode('explain-node', newBootId());
    await makeNamespace('shop');
    await makePod('shop', 'cart-1', 'explain-node', { labels: { app: 'cart' } });
    expect(
      (await request('POST', POOLS, pool({ ranges: [{ cidr: '10.8.0.0/24' }], podSelector: { matchLabels: { app: 'db' } } }, 'dbs')))
        .status,
    ).toBe(201);
    expect(
      (await request('POST', POOLS, pool({ ranges: [{ cidr: '10.9.0.0/24' }], nodeSelector: { matchLabels: { x: 'y' } } }, 'ssd'))).status,
    ).toBe(201);
    expect(JSON.parse(await done('explain shop/cart-1 -o json'))).toMatchObject({
      state: 'gives',
      node: 'explain-node',
      asks: { pools: [], addresses: [] },
      bindings: [],
      pools: [
        { pool: 'pods', family: 'IPv4', order: 1, detail: expect.stringContaining('would give an address') },
        { pool: 'dbs', detail: 'its podSelector does not match' },
        { pool: 'ssd', detail: 'its nodeSelector does not match' },
      ],
    });
    expect(await done('explain shop/cart-1')).toMatch(
      /\n1 +pods +IPv4 +would give an address .*\n- +dbs +IPv4 +not tried: its podSelector does not match\n/,
    );
    expect(await done('explain shop/cart-0')).toContain('held in its name until that is proven: 10.244.1.7 (pool pods)');
    const nobody = await run('explain shop/nobody');
    expect([nobody.exitCode, nobody.stderr]).toEqual([4, expect.stringContaining('there is no pod shop/nobody')]);
    for (const name of ['dbs', 'ssd']) await done(`pool delete ${name}`);
  });

  test('changes pools, and refuses what would lose an address', async () => {
    expect(await done('pool drain pods')).toBe('addresspool/pods draining\n');
    expect((await request('GET', `${POOLS}/pods`)).json.spec.state).toBe('Draining');
    expect(await done('pool resume pods')).toBe('addresspool/pods resumed\n');
    expect(await done('pool reserve pods 10.244.1.99')).toBe('addresspool/pods reserved 10.244.1.99\n');
    expect(await done('pool unreserve pods 10.244.1.99')).toBe('addresspool/pods unreserved 10.244.1.99\n');
    expect(await done('pool apply -f -', JSON.stringify(pool({ ranges: [{ cidr: '10.7.0.0/24' }] }, 'lab')))).toBe(
      'addresspool/lab created\n',
    );
    expect(await done('pool delete lab')).toBe('addresspool/lab deleted\n');
    const shrunk = await run('pool apply -f -', undefined, JSON.stringify(pool({ ranges: [{ cidr: '10.244.1.128/25' }] })));
    expect([shrunk.exitCode, shrunk.stderr]).toEqual([1, expect.stringContaining('10.244.1.7 of shop/cart-0')]);
    const inUse = await run('pool delete pods');
    expect([inUse.exitCode, inUse.stderr]).toEqual([1, expect.stringContaining('refused (PoolInUse)')]);
  });

  test('says what only a controller does', async () => {
    const refusals: [string, string][] = [
      ['allocate -n a --subid b --resource vm:b', 'claims'],
      ['renew 10.244.1.7 --lease 1h', 'a lease is extended on a controller'],
    ];
    for (const [command, words] of refusals) {
      expect(await run(command)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(words) });
    }
  });

  test('names the right that is missing, and a cluster that is away', async () => {
    const refused = await run('pool list', powerless);
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining('the right to list addresspools.berth-ipam.dev is missing'),
    ]);
    const absent = await run('pool list', join(directory, 'absent.kubeconfig'));
    expect([absent.exitCode, absent.stderr]).toEqual([1, expect.stringContaining('the kubeconfig cannot be used')]);
    expect((await run('pool list --controller unix:/a/b --context c')).exitCode).toBe(2);
  });

  test('collects only where a controller takes requests', async () => {
    const nowhere = await run('collect --dry-run --controllers-namespace nowhere');
    expect([nowhere.exitCode, nowhere.stderr]).toEqual([3, expect.stringContaining('no controller takes requests in namespace nowhere')]);
    const refused = await run('collect --dry-run', powerless);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('the right to get configmaps is missing')]);
  });

  test('releases by deleting the record', async () => {
    expect(await done('release 10.244.1.7 --dry-run')).toContain('10.244.1.7 released from shop/cart-0');
    expect((await request('GET', `${BINDINGS}/default.10-244-1-7`)).status).toBe(200);
    expect(await done('release 10.244.1.7')).toBe('10.244.1.7 released from shop/cart-0, pool pods\n');
    expect((await request('GET', `${BINDINGS}/default.10-244-1-7`)).status).toBe(404);
    expect((await run('release 10.244.1.7')).exitCode).toBe(4);
  });
});
