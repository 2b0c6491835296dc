/** deploy/admission with real users: who may write a binding, who may take an address away, when a pool may go. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiServer, describeCluster, request, runKubectl } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import type { HttpAnswer } from '../support/http.ts';
import { applyPath } from '../support/kubectl.ts';
import { binding, BINDINGS, bindingSpec, pool, POOLS } from './objects.ts';

const ONE = `${BINDINGS}/default.10-244-1-7`;
const ONLY_CONTROLLER =
  'only the Berth controller writes bindings; to release an address, delete its binding (this needs the verb forcerelease)';
const MERGE = { 'content-type': 'application/merge-patch+json' };

const as = (user: string, ...groups: string[]): Record<string, string> => ({
  'impersonate-user': user,
  ...(groups.length > 0 && { 'impersonate-group': groups.join(',') }),
});
const controller = as('system:serviceaccount:berth:berth-controller');
/** May do everything to bindings but release by force. */
const editor = as('eve');
const releaser = as('rita');

const RBAC = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    role('editor', ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']),
    role('pool-editor', ['get', 'create', 'update', 'patch', 'delete'], 'addresspools'),
    grant('editor', 'eve'),
    grant('pool-editor', 'eve'),
    grant('berth-force-release', 'rita'),
    grant('editor', 'system:serviceaccount:berth:berth-controller'),
  ],
};

function role(name: string, verbs: string[], resource = 'addressbindings'): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: [{ apiGroups: ['berth-ipam.dev'], resources: [resource], verbs }],
  };
}

function grant(name: string, user: string): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `${name}-${user.replaceAll(':', '-')}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  };
}

const refusedWith = ({ status, json }: HttpAnswer): [number, string] => [status, json.message];

describeCluster('the admission policies', () => {
  beforeAll(async () => {
    await applyPath(apiServer().kubeconfig, 'deploy/admission');
    const granted = await runKubectl(['apply', '-f', '-'], JSON.stringify(RBAC));
    expect(granted.stderr).toBe('');
    // A policy takes a moment to come into force, and RBAC's caches too.
    await eventually(
      async () => (await request('POST', `${BINDINGS}?dryRun=All`, binding())).status === 403,
      'the policies to be in force',
      30_000,
    );
    await eventually(
      async () => (await request('POST', `${BINDINGS}?dryRun=All`, binding(), controller)).status === 201,
      'RBAC to know the controller',
      30_000,
    );
  });

  afterAll(async () => {
    expect((await runKubectl(['delete', '-f', 'deploy/admission'])).code).toBe(0);
    await runKubectl(['delete', '-f', '-'], JSON.stringify(RBAC));
    const gone = async (): Promise<boolean> => (await request('POST', `${BINDINGS}?dryRun=All`, binding())).status === 201;
    await eventually(gone, 'the policies to be gone', 30_000);
    for (const collection of [POOLS, BINDINGS]) await request('DELETE', collection);
  });

  test('are type-checked without a warning', async () => {
    for (const name of ['addressbindings.berth-ipam.dev', 'addresspools.berth-ipam.dev']) {
      const { json } = await request('GET', `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${name}`);
      expect(json.spec.validations.length).toBeGreaterThan(0);
      expect(json.status?.typeChecking?.expressionWarnings ?? []).toEqual([]);
    }
  });

  test('let the controller write and delete, and nobody else, however mighty', async () => {
    const denied = [
      403,
      `addressbindings.berth-ipam.dev "default.10-244-1-7" is forbidden: ValidatingAdmissionPolicy 'addressbindings.berth-ipam.dev' with binding 'addressbindings.berth-ipam.dev' denied request: ${ONLY_CONTROLLER}`,
    ];
    for (const who of [{}, editor, as('system:serviceaccount:other:berth-controller', 'system:masters')]) {
      expect(refusedWith(await request('POST', BINDINGS, binding(), who))).toEqual(denied);
    }
    expect((await request('POST', BINDINGS, binding(), controller)).status).toBe(201);
    for (const who of [{}, editor]) {
      expect(refusedWith(await request('PATCH', ONE, { spec: { subid: 'mine' } }, { ...MERGE, ...who }))).toEqual(denied);
      expect(refusedWith(await request('PATCH', ONE, { metadata: { labels: { a: 'b' } } }, { ...MERGE, ...who }))).toEqual(denied);
      expect(refusedWith(await request('PATCH', ONE, { metadata: { finalizers: ['example.org/stay'] } }, { ...MERGE, ...who }))).toEqual(
        denied,
      );
    }
    expect((await request('PATCH', ONE, { spec: { subid: 'cart-1' } }, { ...MERGE, ...controller })).status).toBe(200);
    expect((await request('DELETE', ONE, undefined, controller)).status).toBe(200);
  });

  test('let Kubernetes write a binding again as it is', async () => {
    expect((await request('POST', BINDINGS, binding(), controller)).status).toBe(201);
    const { json } = await request('GET', ONE);
    expect((await request('PUT', ONE, json)).status).toBe(200);
    expect((await request('DELETE', ONE, undefined, controller)).status).toBe(200);
  });

  test('let those with forcerelease delete a binding, and tell the others what it takes', async () => {
    expect((await request('POST', BINDINGS, binding(), controller)).status).toBe(201);
    const refused = await request('DELETE', ONE, undefined, editor);
    expect(refused.status).toBe(403);
    expect(refused.json.message).toContain(
      'deleting this binding takes 10.244.1.7 away from shop/cart-0 and needs the verb forcerelease on addressbindings, which eve does not have',
    );
    const all = await request('DELETE', BINDINGS, undefined, editor);
    expect([all.status, (await request('GET', ONE)).json.spec]).toEqual([403, bindingSpec]);
    expect((await request('DELETE', ONE, undefined, releaser)).status).toBe(200);
    expect((await request('GET', ONE)).status).toBe(404);
  });

  test('stand in the way of nothing else', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bystander' } };
    expect((await request('POST', '/api/v1/namespaces', namespace)).status).toBe(201);
    expect((await request('POST', POOLS, pool({ ranges: [{ cidr: '10.0.0.0/24' }] }, 'fresh'), editor)).status).toBe(201);
    expect((await request('DELETE', `${POOLS}/fresh`, undefined, editor)).status).toBe(200);
  });

  test('hold back a pool in use until an annotation says so', async () => {
    const path = `${POOLS}/busy`;
    const counts = (allocated: string) => ({ status: { total: '256', allocated, reserved: '3', cooling: '0', available: '1' } });
    expect((await request('POST', POOLS, pool({ ranges: [{ cidr: '10.0.0.0/24' }] }, 'busy'), editor)).status).toBe(201);
    const hint =
      'in use; drain it first, or to delete it all the same: kubectl annotate addresspool busy berth-ipam.dev/delete-in-use=true';
    for (const [allocated, sentence] of [
      ['17', `the pool has 17 addresses ${hint}`],
      ['1', `the pool has 1 address ${hint}`],
    ] as const) {
      await request('PATCH', `${path}/status`, counts(allocated), MERGE);
      for (const who of [editor, {}]) {
        const refused = await request('DELETE', path, undefined, who);
        expect([refused.status, refused.json.message]).toEqual([403, expect.stringContaining(sentence)]);
      }
    }
    const annotate = (value: string) =>
      request('PATCH', path, { metadata: { annotations: { 'berth-ipam.dev/delete-in-use': value } } }, { ...MERGE, ...editor });
    expect((await annotate('yes')).status).toBe(200);
    expect((await request('DELETE', path, undefined, editor)).status).toBe(403);
    expect((await annotate('true')).status).toBe(200);
    expect((await request('DELETE', path, undefined, editor)).status).toBe(200);
  });

  test('let an empty pool go', async () => {
    expect((await request('POST', POOLS, pool({ ranges: [{ cidr: '10.0.0.0/24' }] }, 'empty'), editor)).status).toBe(201);
    await request('PATCH', `${POOLS}/empty/status`, { status: { allocated: '0' } }, MERGE);
    expect((await request('DELETE', `${POOLS}/empty`, undefined, editor)).status).toBe(200);
  });
});
