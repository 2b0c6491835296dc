/** What people see of a pool in `kubectl get apool`: written by the leading controller, with the rights of deploy/rbac, on a real API server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attachment, BINDINGS, binding, pool, POOLS } from '../crds/objects.ts';
import { apiServer, describeCluster, request, runKubectl } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { applyPath } from '../support/kubectl.ts';
import { openFastController } from './fast-controller.ts';
import { writeKubeconfig } from './kubeconfig.ts';

describeCluster('the status of pools', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-pool-status-'));
  let close: () => Promise<void>;

  beforeAll(async () => {
    await applyPath(apiServer().kubeconfig, 'deploy/rbac');
    for (const path of [BINDINGS, POOLS]) await request('DELETE', path);
    ({ close } = await openFastController(await writeKubeconfig(directory, 'berth', 'berth-controller')));
  });
  afterAll(async () => {
    await close();
    for (const path of [BINDINGS, POOLS]) await request('DELETE', path);
    rmSync(directory, { recursive: true, force: true });
  });

  const make = async (name: string, spec: object): Promise<void> => {
    const answer = await request('POST', POOLS, pool(spec, name));
    if (answer.status !== 201) throw new Error(answer.text);
  };
  const statusOf = async (name: string): Promise<Record<string, any> | undefined> => (await request('GET', `${POOLS}/${name}`)).json.status;
  const condition = async (name: string, type: string): Promise<Record<string, any> | undefined> =>
    ((await statusOf(name))?.['conditions'] as Record<string, any>[] | undefined)?.find((one) => one['type'] === type);

  test('counts, range and conditions; written again when they change, and only then', async () => {
    await make('small', { ranges: [{ cidr: '10.90.0.0/30' }, { first: '10.90.1.1', last: '10.90.1.2' }], subnet: '10.90.0.0/16', gateway: '10.90.0.1' }); // prettier-ignore
    await make('vast', { ranges: [{ cidr: 'fd90::/64' }] });
    await eventually(async () => (await statusOf('small'))?.['total'] === '6' && (await statusOf('vast'))?.['total'], 'the counts', 60_000);
    expect(await statusOf('vast')).toMatchObject({
      total: '18446744073709551616',
      family: 'IPv6',
      range: 'fd90::/64',
      observedGeneration: 1,
    });
    expect(await statusOf('small')).toMatchObject({ range: '10.90.0.0/30 +1', allocated: '0', reserved: '2', available: '4' });
    expect(await condition('small', 'Ready')).toMatchObject({ status: 'True', reason: 'Active', observedGeneration: 1 });
    expect(await condition('small', 'Exhausted')).toMatchObject({ status: 'False' });

    for (const last of ['2', '3']) {
      const podUid = `${attachment.podUid.slice(0, -1)}${last}`;
      const attachments = [{ ...attachment, podUid, containerId: `c${last}` }];
      const change = {
        address: `10.90.0.${last}`,
        podUid,
        attachments,
        pool: 'small',
        subid: `p-${last}`,
        resource: { type: 'pod', value: `shop/p-${last}` },
      };
      expect((await request('POST', BINDINGS, binding(change, `default.10-90-0-${last}`))).status).toBe(201);
    }
    await eventually(async () => (await statusOf('small'))?.['allocated'] === '2', 'the new counts');
    const { resourceVersion } = (await request('GET', `${POOLS}/vast`)).json.metadata;
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // Three looks.
    expect((await request('GET', `${POOLS}/vast`)).json.metadata.resourceVersion).toBe(resourceVersion);
    const { stdout } = await runKubectl(['get', 'apool', 'small']);
    expect(stdout).toMatch(
      /NAME +RANGE +FAMILY +TOTAL +USED +COOLING +FREE +READY +AGE\nsmall +10\.90\.0\.0\/30 \+1 +IPv4 +6 +2 +0 +2 +True/,
    );
  });

  test('a pool that overlaps, is full, or no longer has what is held says so', async () => {
    await make('twin', { ranges: [{ cidr: '10.90.0.0/30' }] });
    await eventually(async () => (await condition('small', 'Overlapping'))?.['status'] === 'True', 'the overlap to be told');
    await eventually(async () => (await condition('twin', 'Overlapping'))?.['status'] === 'True', 'the overlap to be told of the other');
    expect(await condition('twin', 'Overlapping')).toMatchObject({ reason: 'SharedAddresses', message: expect.stringContaining('small') });
    expect(await condition('twin', 'Exhausted')).toMatchObject({ status: 'True', reason: 'NothingLeft' });
    const current = (await request('GET', `${POOLS}/small`)).json;
    const shrunk = { ...current, spec: { ...current.spec, ranges: [{ first: '10.90.1.1', last: '10.90.1.2' }] } };
    expect((await request('PUT', `${POOLS}/small`, shrunk)).status).toBe(200);
    await eventually(async () => (await condition('small', 'Ready'))?.['reason'] === 'HeldOutside', 'what is held outside to be told');
    expect(await condition('small', 'Ready')).toMatchObject({
      status: 'False',
      message: expect.stringMatching(/^2 addresses are held outside/),
    });
    await request('DELETE', BINDINGS);
    await eventually(async () => (await condition('small', 'Ready'))?.['status'] === 'True', 'it to be ready again');
  });
});
