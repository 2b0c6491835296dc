/** berthctl under the admission policies: who may take an address away, and what the others are told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { berthctl, type Result } from '../cli/berthctl.ts';
import { binding, BINDINGS, pool, POOLS } from '../crds/objects.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS } from '../../src/kubernetes/objects.ts';
import { apiServer, describeCluster, request, runKubectl } from '../support/cluster.ts';
import { makeNamespace } from '../support/cluster-workloads.ts';
import { eventually } from '../support/eventually.ts';
import { applyPath } from '../support/kubectl.ts';
import { deleteAll } from './clients.ts';
import { writeKubeconfig } from './kubeconfig.ts';

/** Service accounts of this namespace, and what they are bound to. */
const NAMESPACE = 'cli-rights';
const ROLES: Readonly<Record<string, string>> = { reader: 'cli-reader', deleter: 'cli-deleter', releaser: 'berth-force-release' };

const role = (name: string, verbs: string[]): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules: [{ apiGroups: ['berth-ipam.dev'], resources: ['addressbindings', 'addresspools'], verbs }],
});
const subjectOf = (account: string) => ({ kind: 'ServiceAccount', name: account, namespace: NAMESPACE });
const RBAC = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    role('cli-reader', ['get', 'list']),
    role('cli-deleter', ['get', 'list', 'delete']),
    ...Object.entries(ROLES).flatMap(([account, name]) => [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: NAMESPACE } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: `cli-${account}` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [subjectOf(account)],
      },
    ]),
  ],
};

describeCluster('berthctl and the admission policies', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-cluster-rights-'));
  const kubeconfigs = new Map<string, string>();
  const as = (account: string, command: string, answers?: string[]): Promise<Result> =>
    berthctl(command.split(' '), { environment: { KUBECONFIG: kubeconfigs.get(account)! }, ...(answers && { answers }) });

  beforeAll(async () => {
    for (const type of [ADDRESS_BINDINGS, ADDRESS_POOLS]) await deleteAll(type);
    await makeNamespace(NAMESPACE);
    const created = { ...(pool({ ranges: [{ cidr: '10.244.1.0/24' }] }) as object) };
    expect((await request('POST', POOLS, created)).status).toBe(201);
    expect((await request('POST', BINDINGS, binding())).status).toBe(201);
    await applyPath(apiServer().kubeconfig, 'deploy/admission');
    expect((await runKubectl(['apply', '-f', '-'], JSON.stringify(RBAC))).stderr).toBe('');
    for (const account of Object.keys(ROLES)) kubeconfigs.set(account, await writeKubeconfig(directory, NAMESPACE, account));
    await eventually(
      async () =>
        (await request('POST', `${BINDINGS}?dryRun=All`, binding({ address: '10.244.1.8' }, 'default.10-244-1-8'))).status === 403,
      'the policies to be in force',
      30_000,
    );
  });
  afterAll(async () => {
    await runKubectl(['delete', '-f', 'deploy/admission']);
    await runKubectl(['delete', '-f', '-'], JSON.stringify(RBAC));
    await eventually(
      async () =>
        (await request('POST', `${BINDINGS}?dryRun=All`, binding({ address: '10.244.1.8' }, 'default.10-244-1-8'))).status === 201,
      'the policies to be gone',
      30_000,
    );
    for (const type of [ADDRESS_BINDINGS, ADDRESS_POOLS]) await deleteAll(type);
    rmSync(directory, { recursive: true, force: true });
  });

  test('without the right to delete, the right is named; without forcerelease, the policy speaks; before anybody is asked', async () => {
    const reader = await as('reader', 'release 10.244.1.7', ['y']);
    expect([reader.exitCode, reader.stdout]).toEqual([1, '']);
    expect(reader.stderr).toContain('refused (NotAllowed): the right to delete addressbindings.berth-ipam.dev is missing');
    for (const command of ['release 10.244.1.7', 'release 10.244.1.7 --dry-run', 'release -n shop --subid cart-0']) {
      const deleter = await as('deleter', command, ['y']);
      expect([deleter.exitCode, deleter.stdout, deleter.stderr]).toEqual([
        1,
        '',
        'berthctl: refused (NotAllowed): deleting this binding takes 10.244.1.7 away from shop/cart-0 and needs the verb forcerelease on ' +
          `addressbindings, which system:serviceaccount:${NAMESPACE}:deleter does not have\n`,
      ]);
    }
    expect((await request('GET', `${BINDINGS}/default.10-244-1-7`)).status).toBe(200);
  });

  test('a pool in use is refused by the policy too, which says how', async () => {
    const path = `${POOLS}/pods`;
    const { json } = await request('GET', path);
    const status = {
      total: '256',
      allocated: '1',
      reserved: '3',
      cooling: '0',
      available: '252',
      observedGeneration: json.metadata.generation,
    };
    expect((await request('PUT', `${path}/status`, { ...json, status })).status).toBe(200);
    const forced = await as('deleter', 'pool delete pods --force');
    expect([forced.exitCode, forced.stderr]).toEqual([
      1,
      expect.stringContaining(
        'the pool has 1 address in use; drain it first, or to delete it all the same: kubectl annotate addresspool pods',
      ),
    ]);
  });

  test('with forcerelease it is done', async () => {
    expect((await as('releaser', 'release 10.244.1.7 --dry-run')).stdout).toBe(
      '10.244.1.7 released from shop/cart-0, pool pods (dry run)\n',
    );
    expect((await request('GET', `${BINDINGS}/default.10-244-1-7`)).status).toBe(200);
    expect(await as('releaser', 'release 10.244.1.7')).toEqual({
      stdout: '10.244.1.7 released from shop/cart-0, pool pods\n',
      stderr: '',
      exitCode: 0,
    });
    expect((await request('GET', `${BINDINGS}/default.10-244-1-7`)).status).toBe(404);
  });
});
