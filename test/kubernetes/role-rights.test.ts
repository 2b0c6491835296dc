/**
 * The Roles of deploy/rbac (Leases, the CA's Secret, the ConfigMaps) with one right missing at a time: somebody says which.
 * Those of the ClusterRole: test/cluster/rights.test.ts.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { askLeader } from '../../src/cli/cluster/ask-leader.ts';
import { toData } from '../../src/kubernetes/authority-state.ts';
import { AUTHORITY_SECRET, openAuthority } from '../../src/kubernetes/authority.ts';
import { makeAuthority } from '../../src/kubernetes/certificates.ts';
import { answerCollectRequests } from '../../src/kubernetes/collect-requests.ts';
import { startElection } from '../../src/kubernetes/leader.ts';
import { CONFIG_MAPS, LEASES, resourceName, SECRETS, type KubernetesObject } from '../../src/kubernetes/objects.ts';
import { liveReads } from '../../src/kubernetes/workloads.ts';
import { clientOf, recordingLog, seededRandom } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';
import { PretendedApiServer } from '../support/pretended-api-server.ts';
import { virtualTimers } from '../support/virtual-timers.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

const DAY = 86_400_000;
const TYPES = [LEASES, SECRETS, CONFIG_MAPS];
const roles = parseAllDocuments(readFileSync('deploy/rbac/controller.yaml', 'utf8'))
  .map((document) => document.toJS() as Role)
  .filter(({ kind, metadata }) => kind === 'Role' && metadata.name === 'berth-controller');
const rights = [
  ...new Set(
    roles
      .filter(({ metadata }) => metadata.namespace === 'berth')
      .flatMap(({ rules }) =>
        rules.flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`))),
      ),
  ),
];

const typeOf = (right: string) => TYPES.find(({ plural }) => right.endsWith(` ${plural}`))!;
const verbOf = (right: string): string => right.split(' ')[0]!;

test('deploy/rbac has as many of them as are tried here', () => expect(rights.toSorted()).toHaveLength(11));

test.each(rights)('%s', async (right) => {
  const [verb, type] = [verbOf(right), typeOf(right)];
  const timers = virtualTimers();
  const server = new PretendedApiServer({ timers, random: seededRandom(1) });
  const client = clientOf(server, timers);
  const log = recordingLog();
  const named = (): Set<string> => {
    const lines = log.entries.map(({ fields }) => `${fields['detail']}\nlacks ${fields['lacks']}:`);
    return new Set(
      lines.flatMap((line) => [...line.matchAll(/(?:the right to|lacks) (\w+ [\w./-]+)(?: is missing|:)/g)]).map(([, name]) => name!),
    );
  };
  const put = (kind: typeof LEASES, name: string, more: object): void =>
    void server.put(kind, { metadata: { namespace: 'berth', name }, ...more } as KubernetesObject);
  // A CA that is due for its successor, and a replica that was killed.
  if (right === 'update secrets') put(SECRETS, AUTHORITY_SECRET, { data: toData({ current: await makeAuthority(timers.now() - 300 * DAY, 365), previous: [] }) }); // prettier-ignore
  put(LEASES, 'berth-replica-killed', { spec: { holderIdentity: 'killed' } });
  server.forbid(verb, type);

  // A second replica changes the list that the first one has made.
  const authorities = (right === 'update configmaps' ? ['a', 'bb'] : ['a']).map((identity) =>
    openAuthority({ client, timers, log, namespace: 'berth', serverName: 'the.name', identity, urls: [`https://${identity}:8443`] }),
  );
  const election = startElection({ client, timers, log, random: () => 0, namespace: 'berth', name: 'berth-controller', identity: 'a' });
  const report = { released: [], held: [], dryRun: true };
  const stop = answerCollectRequests({ client, timers, log, namespace: 'berth', leads: () => true, collect: async () => report });
  /** Keys are made on real threads, so virtual time waits for them. */
  const pass = async (): Promise<void> => {
    await timers.advance(10_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  for (let round = 0; round < 3; round++) await pass();
  // Somebody else's rights: what is missing is the controller's, so it is the controller that says so.
  if (type !== CONFIG_MAPS) server.allow('get', CONFIG_MAPS);
  const asking = askLeader({ client, timers, namespace: 'berth', timeoutMilliseconds: 20_000 }, { dryRun: true }).catch(() => undefined);
  // A replica that is silent for five minutes is gone; everything else is done within two.
  for (let round = 0; round < (right === 'delete leases' ? 40 : 14); round++) await pass();
  const full = `${verb} ${resourceName(type)}`;
  await eventually(() => pass().then(() => named().has(full)), `somebody to say that the right to ${full} is missing`);
  expect(named()).toEqual(new Set([full]));

  server.allow(verb, type);
  stop();
  let isOver = false;
  void Promise.all([...authorities.map((one) => one.stop()), election.stop(), asking]).then(() => (isOver = true));
  await eventually(() => pass().then(() => isOver), 'all to stop');
});

test('get leases in kube-node-lease: the collector says so, and takes it for an outage', async () => {
  expect(roles.find(({ metadata }) => metadata.namespace === 'kube-node-lease')?.rules).toMatchObject([
    { resources: ['leases'], verbs: ['get'] },
  ]);
  const timers = virtualTimers();
  const server = new PretendedApiServer({ timers, random: seededRandom(1) });
  server.forbid('get', LEASES);
  const read = liveReads(clientOf(server, timers)).readNodeRenewal('n1');
  await expect(read).rejects.toThrow(/^the right to get leases\.coordination\.k8s\.io is missing/);
});
