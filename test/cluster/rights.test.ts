/** deploy/rbac with one right missing at a time: what cannot be done says which verb on which resource, and all others go on. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { systemTimers } from '../../cmd/berth-controller/timers.ts';
import { openCluster } from '../../src/kubernetes/open-client.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import { watchWorkloads } from '../../src/kubernetes/workloads.ts';
import type { BindingSpec } from '../../src/core/binding.ts';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import { openIpam } from '../../src/ipam/open.ts';
import { keepPoolStatus } from '../../src/kubernetes/pool-status.ts';
import { createMetricsAccess } from '../../src/kubernetes/metrics-access.ts';
import { createTokenReviewer } from '../../src/kubernetes/token-review.ts';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { cniAdd, cniDel, stamp } from '../server/requests.ts';
import { describeCluster, request } from '../support/cluster.ts';
import { makeNamespace, makeNode, makePod, newBootId } from '../support/cluster-workloads.ts';
import { recordingLog } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';
import { mintToken } from '../support/service-account-token.ts';
import { writeKubeconfig } from './kubeconfig.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const rules = parseAllDocuments(readFileSync('deploy/rbac/controller.yaml', 'utf8'))
  .map((document) => document.toJS() as { kind: string; metadata: { name: string }; rules: Rule[] })
  .find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'berth-controller')!.rules;

/** Each right by itself, as the API server names it. */
const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
  resources.flatMap((resource) => verbs.map((verb) => ({ verb, resource, group: apiGroups[0]! }))),
);
const textOf = ({ verb, resource, group }: (typeof rights)[number]): string => `${verb} ${resource}${group === '' ? '' : `.${group}`}`;

describeCluster('a controller that lacks one right', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-rights-'));
  const boot = newBootId();
  beforeAll(async () => {
    await makeNamespace('rights');
    await makeNode('rights-node', boot);
    await request('POST', POOLS, pool({ ranges: [{ cidr: '10.83.0.0/24' }], default: true }, 'rights'));
  });
  afterAll(async () => {
    for (const path of [BINDINGS, POOLS]) await request('DELETE', path);
    for (const kind of ['clusterroles', 'clusterrolebindings']) await request('DELETE', `${RBAC}/${kind}?labelSelector=lacks-one-right`);
    rmSync(directory, { recursive: true, force: true });
  });

  async function kubeconfigWithout(lacking: (typeof rights)[number], account: string): Promise<string> {
    const less = rules.flatMap((rule) =>
      rule.resources.map((resource) => {
        const isIt = resource === lacking.resource && rule.apiGroups[0] === lacking.group;
        return { ...rule, resources: [resource], verbs: rule.verbs.filter((verb) => !(isIt && verb === lacking.verb)) };
      }),
    );
    const metadata = { name: account, labels: { 'lacks-one-right': 'true' } };
    const subjects = [{ kind: 'ServiceAccount', name: account, namespace: 'rights' }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: account };
    const made = [
      await request('POST', '/api/v1/namespaces/rights/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata }),
      await request('POST', `${RBAC}/clusterroles`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata,
        rules: less.filter(({ verbs }) => verbs.length > 0),
      }),
      await request('POST', `${RBAC}/clusterrolebindings`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata,
        subjects,
        roleRef,
      }),
    ];
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
    return writeKubeconfig(directory, 'rights', account);
  }

  test('deploy/rbac has as many rights as are tried here', () => expect(rights.length).toBeGreaterThanOrEqual(18));

  test.each(rights.map((right, index) => [textOf(right), right, index] as const))('%s', async (text, right, index) => {
    const account = `lacks-${index}`;
    const kubeconfigFile = await kubeconfigWithout(right, account);
    const random = (): number => Math.random();
    const log = recordingLog();
    const api = openCluster({ kubeconfigFile, timers: systemTimers, random });
    const world = { client: api.client, timers: systemTimers, random, log };
    const store = openKubernetesStore(world);
    const workloads = watchWorkloads(world);
    const cluster = { workloads, leads: () => false, nodeGoneAfterMs: 60_000 };
    const ipam = openIpam({ store, nodes: clusterNodes(workloads), timers: systemTimers, log, cluster });
    const stopStatus = keepPoolStatus({ ...world, ipam, leads: () => true });
    /** All that anybody was told. */
    const said: string[] = [];
    const named = (): Set<string> => {
      const lines = [
        ...said,
        ...log.entries.map(({ fields }) => [fields['detail'], fields['error'], `lacks ${fields['lacks']}:`].join('\n')),
      ];
      const found = lines.flatMap((line) => [
        ...line.matchAll(/(?:the right to|let this controller|lacks) (\w+ [\w./-]+)(?: is missing|:)/g),
      ]);
      return new Set(found.map(([, name]) => name!));
    };
    const tell = (outcome: { readonly ok: boolean; readonly refusal?: { readonly detail: string } }): void => {
      if (!outcome.ok) said.push(outcome.refusal!.detail);
    };
    try {
      if (right.verb !== 'list' && right.verb !== 'watch') {
        await eventually(() => ipam.synced() && workloads.synced(), 'it to read everything');
        await act(account, { ipam, store, workloads, client: api.client, tell });
      }
      await eventually(() => named().has(text), `somebody to say that the right to ${text} is missing; said: ${said.join('; ')}`);
      expect(named()).toEqual(new Set([text]));
    } finally {
      stopStatus();
      await ipam.close();
      workloads.stop();
      await store.close();
      await api.close();
    }
  });

  interface Opened {
    readonly ipam: ReturnType<typeof openIpam>;
    readonly store: ReturnType<typeof openKubernetesStore>;
    readonly workloads: ReturnType<typeof watchWorkloads>;
    readonly client: ReturnType<typeof openCluster>['client'];
    tell(outcome: { readonly ok: boolean; readonly refusal?: { readonly detail: string } }): void;
  }

  /** Everything once that a controller does in its life. */
  async function act(name: string, { ipam, store, workloads, client, tell }: Opened): Promise<void> {
    const uid = await makePod('rights', name, 'rights-node');
    const caller = { node: 'rights-node', gone: () => false };
    const add = (startedTicks: number) =>
      ipam.add(caller, cniAdd({ containerId: `c-${name}`, pod: { namespace: 'rights', name, uid }, stamp: { ...stamp, bootId: boot, startedTicks } })); // prettier-ignore
    tell(await add(1_000));
    // Another stamp: the record is replaced.
    tell(await add(1_001));
    tell(await ipam.add(caller, cniAdd({ containerId: 'nobody', pod: { namespace: 'rights', name: `absent-${name}`, uid }, stamp: { ...stamp, bootId: boot } }))); // prettier-ignore
    // An older boot than the Node shows: it is asked.
    tell(await ipam.add(caller, cniAdd({ containerId: `c-${name}`, ifName: 'net1', pod: { namespace: 'rights', name, uid }, stamp: { ...stamp, bootId: newBootId(), startedTicks: 1 } }))); // prettier-ignore
    tell(await ipam.del(caller, cniDel({ containerId: `c-${name}`, stamp: { ...stamp, bootId: boot, startedTicks: 2_000 } })));
    const [token, serviceAccount] = [
      await mintToken({ namespace: 'rights', account: 'default' }),
      { namespace: 'berth', name: 'berth-node' },
    ];
    tell(await createTokenReviewer({ client, clock: systemTimers, serviceAccount })(token, '127.0.0.1'));
    tell(await createMetricsAccess(client)(token, '127.0.0.1'));
    // What is asked for only after a lost answer, or when a record has cooled: of the store itself.
    const record = { name: 'default.10-83-0-250', uid: 'none', version: '1', spec: {} as BindingSpec };
    const asked = [
      () => store.bindings.get(record.name),
      () => store.bindings.remove(record),
      () => store.pools.get('rights'),
      () => workloads.readNamespace('rights'),
    ];
    for (const ask of asked) await ask().catch((error: Error) => tell({ ok: false, refusal: { detail: error.message } }));
  }
});
