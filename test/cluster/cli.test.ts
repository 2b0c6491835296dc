/** berthctl on a cluster, with the rights of who asks: what it shows, changes, and names when a right is missing. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProgram } from '../../cmd/dev/cluster/programs.ts';
import { berthctl, type Result } from '../cli/berthctl.ts';
import { binding, BINDINGS, pool, POOLS, released } from '../crds/objects.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS } from '../../src/kubernetes/objects.ts';
import { writeAccess } from '../support/api-server-certificates.ts';
import { apiServer, describeCluster, request, runKubectl } from '../support/cluster.ts';
import { makeNamespace, makeNode, makePod, newBootId } from '../support/cluster-workloads.ts';
import { builtController } from '../server/controller-process.ts';
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

  test('a pool that was read is compared by its spec: a status written meanwhile is no conflict, a change of the spec is', async () => {
    const read = await done('pool get pods -o yaml');
    expect(read).toMatch(/\n {2}generation: \d+\n/);
    const counts = { total: '256', allocated: '1', reserved: '3', cooling: '1', available: '251', observedGeneration: 1 };
    const status = async (change: object): Promise<void> => {
      const { json } = await request('GET', `${POOLS}/pods`);
      const written = { ...json, status: { ...counts, observedGeneration: json.metadata.generation, ...change } };
      expect((await request('PUT', `${POOLS}/pods/status`, written)).status).toBe(200);
    };
    await status({});
    const edited = read.replace('cooldownSeconds: 30', 'cooldownSeconds: 45');
    expect(await done('pool apply -f -', edited)).toBe('addresspool/pods configured\n');
    expect((await request('GET', `${POOLS}/pods`)).json.spec.cooldownSeconds).toBe(45);
    const stale = await run('pool apply -f -', undefined, edited.replace('cooldownSeconds: 45', 'cooldownSeconds: 46'));
    expect([stale.exitCode, stale.stderr]).toEqual([1, expect.stringContaining('pool pods was changed since it was read')]);
    const shown = await runKubectl(['get', 'apool', 'pods', '-o', 'yaml', '--show-managed-fields']);
    expect(await done('pool apply -f -', shown.stdout.replace('cooldownSeconds: 45', 'cooldownSeconds: 30'))).toBe(
      'addresspool/pods configured\n',
    );
    // What the controllers say of the pool is shown; what is counted from the records is "stats".
    await status({ allocated: '77' });
    expect(await done('pool list --no-headers')).toMatch(/^pods +10\.244\.1\.0\/24 +IPv4 +256 +77 +/);
    expect(JSON.parse(await done('stats -o json')).pools).toMatchObject([{ allocated: '1' }]);
    // Every write of the status in between is another version of the object.
    let writing = true;
    const busy = (async () => {
      while (writing) await status({ allocated: String(Math.floor(Math.random() * 200)) }).catch(() => undefined);
    })();
    for (let round = 0; round < 3; round++) for (const verb of ['drain', 'resume']) await done(`pool ${verb} pods`);
    writing = false;
    await busy;
  });

  test('a repair is allowed, and does what can be done from here: nothing; what it finds is told', async () => {
    const clean = await run('check --repair');
    expect([clean.exitCode, clean.stderr]).toEqual([0, 'Checked 1 pool and 2 bindings: nothing wrong.\n']);
    const outside = binding({ address: '10.99.0.7', subid: 'stray' }, 'default.10-99-0-7');
    expect((await request('POST', BINDINGS, outside)).status).toBe(201);
    const found = await run('check --repair --yes');
    expect(found.exitCode).toBe(1);
    expect(found.stdout).toMatch(/^OutsidePools +default\.10-99-0-7 +by hand +10\.99\.0\.7 is held by shop\/stray and lies in no pool$/m);
    await request('DELETE', `${BINDINGS}/default.10-99-0-7`);
  });

  test('--timeout is how long an answer may take', async () => {
    const slow = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const { port } = slow.address() as AddressInfo;
    const path = join(directory, 'slow.kubeconfig');
    writeAccess(path, { server: `https://127.0.0.1:${port}`, caFile: apiServer().caFile, token: 'x' });
    const started = performance.now();
    const late = await run('pool list --timeout 300ms', path);
    expect([late.exitCode, late.stderr]).toEqual([3, expect.stringContaining('within 0.3 s')]);
    expect(performance.now() - started).toBeLessThan(8_000);
    slow.close();
  });

  test('completes the names of pools, namespaces and addresses; quietly nothing where it cannot', async () => {
    const complete = async (words: string[], kubeconfig = apiServer().kubeconfig) => {
      const { stdout, stderr, exitCode } = await berthctl(['__complete', ...words], { environment: { KUBECONFIG: kubeconfig } });
      expect([stderr, exitCode]).toEqual(['', 0]);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t')[0]);
    };
    expect(await complete(['pool', 'get', ''])).toEqual(['pods']);
    expect(await complete(['binding', 'list', '-n', 'sho'])).toEqual(['shop']);
    expect(await complete(['release', ''])).toEqual(['10.244.1.7']);
    expect(await complete(['--kubeconfig', apiServer().kubeconfig, 'pool', 'get', ''], '/nowhere')).toEqual(['pods']);
    for (const kubeconfig of [powerless, '/nowhere']) expect(await complete(['pool', 'get', ''], kubeconfig)).toEqual([]);
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

  test('doctor: whether the custom resources can be read, and whether a controller leads', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/berthctl/leases';
    const lease = (second: number) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'berth-controller' },
      spec: { holderIdentity: 'one', renewTime: `2026-11-24T00:00:${String(second).padStart(2, '0')}.000000Z` },
    });
    const doctor = (kubeconfig?: string) => run('doctor --controllers-namespace berthctl', kubeconfig);
    const never = await doctor();
    expect(never.exitCode).toBe(1);
    expect(never.stdout).toMatch(
      /^ok +cluster: its custom resources can be read\nproblem +controllers: none has ever led: there is no Lease/,
    );
    expect(never.stdout).toContain('pool pods: ');
    await request('POST', leases, lease(0));
    const still = await doctor();
    expect(still.stdout).toContain('controllers: none leads: one holds the Lease berth-controller and does not renew it');
    let second = 0;
    const renewing = setInterval(
      () => void request('PATCH', `${leases}/berth-controller`, lease(++second % 60), { 'content-type': 'application/merge-patch+json' }),
      300,
    );
    const alive = await doctor();
    clearInterval(renewing);
    expect([alive.exitCode, alive.stdout]).toEqual([0, expect.stringMatching(/^ok +controllers: one leads$/m)]);
    const refused = await doctor(powerless);
    expect([refused.exitCode, refused.stdout]).toEqual([
      1,
      expect.stringContaining('the right to list addresspools.berth-ipam.dev is missing'),
    ]);
    expect(await done('version')).toMatch(/^Client: \S+\nCluster: \S+ \(berth-ipam\.dev\/v1alpha1\)\n$/);
  });

  test('is a plugin of kubectl: kubectl berth', async () => {
    const { launcher } = await builtController();
    const env = {
      PATH: [dirname(launcher), dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
      HOME: directory,
      KUBECONFIG: apiServer().kubeconfig,
    };
    const kubectl = promisify(execFile);
    const listed = await kubectl(findProgram('kubectl')!, ['berth', 'pool', 'list', '-o', 'name'], { env });
    expect(listed).toEqual({ stdout: 'addresspool/pods\n', stderr: '' });
    const absent = await kubectl(findProgram('kubectl')!, ['berth', 'who', '10.244.1.200'], { env }).catch((error: unknown) => error);
    expect(absent).toMatchObject({ code: 4, stdout: '' });
  });

  test('releases by deleting the record', async () => {
    expect(await done('release 10.244.1.7 --dry-run')).toContain('10.244.1.7 released from shop/cart-0');
    expect((await request('GET', `${BINDINGS}/default.10-244-1-7`)).status).toBe(200);
    expect(await done('release 10.244.1.7')).toBe('10.244.1.7 released from shop/cart-0, pool pods\n');
    expect((await request('GET', `${BINDINGS}/default.10-244-1-7`)).status).toBe(404);
    expect((await run('release 10.244.1.7')).exitCode).toBe(4);
  });
});
