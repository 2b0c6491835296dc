/** From the release before this one to this one and back, whole and half-way, while pods run and start. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { eventually } from '../../test/support/eventually.ts';
import { CHART, helmInstall, helmUpgrade, IMAGE, NAMESPACE, VALUES } from '../cluster/berth.ts';
import { apply, inControlPlane, kubectl, mustHelm, mustKubectl } from '../cluster/kubectl.ts';
import { at } from '../cluster/layout.ts';
import { audit } from '../support/audit.ts';
import { churn, sandboxFailures } from '../support/churn.ts';
import { bound, deleteNamespace, freshNamespace, whenReady } from '../support/cluster.ts';
import { bringEarlier, EARLIER, EARLIER_CHART, EARLIER_IMAGE } from '../support/earlier.ts';
import { DEFAULT_POOLS, deployment } from '../support/objects.ts';

interface Crd {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: {
        readonly openAPIV3Schema: { readonly properties: { readonly spec: { readonly properties: Record<string, object> } } };
      };
    }[];
  };
}

const CRDS = ['addresspools.berth-ipam.dev', 'addressbindings.berth-ipam.dev'];
const PODS = 'e2e-upgrade';
const CHURN = 'e2e-upgrade-churn';

const helm = (...args: string[]): Promise<string> => mustHelm([...args, '--namespace', NAMESPACE, '--wait', '--timeout=4m']);
const helmUpgradeTo = (chart: string): Promise<string> => helm('upgrade', 'berth', chart, ...VALUES);
const toEarlier = (chart = EARLIER_CHART): Promise<string> => helm('upgrade', 'berth', chart, ...VALUES, `--set=image.tag=${EARLIER}`);

/** Name and uid: deleted and made again would show. */
const identities = async (): Promise<string[]> => (await bound()).map(({ metadata }) => `${metadata.name} ${metadata.uid}`).toSorted();

/** What runs: the controllers' image, and that of the nodes' half. */
const images = (): Promise<string[]> =>
  Promise.all(
    ['deployment/berth-controller', 'daemonset/berth-install'].map((name) =>
      mustKubectl(['get', name, '-n', NAMESPACE, '-o', 'jsonpath={.spec.template.spec.containers[0].image}']),
    ),
  );

/** A chart of which the nodes' half is the other release's: what there is while an upgrade is under way, held still. */
function halfWay(name: string, chart: string, nodes: string, image: string): string {
  const folder = at('charts', name);
  cpSync(chart, folder, { recursive: true });
  const installer = readFileSync(join(nodes, 'templates/installer.yaml'), 'utf8');
  writeFileSync(join(folder, 'templates/installer.yaml'), installer.replaceAll('{{ include "berth.image" . }}', image));
  return folder;
}

/** Does it while pods start and end: all of them get addresses, those from before keep theirs, and it says how it went. */
async function underPods(what: string, change: () => Promise<unknown>): Promise<void> {
  const before = await identities();
  let isOver = false;
  const changing = change().finally(() => (isOver = true));
  const started = performance.now();
  const rounds = await churn(CHURN, () => isOver).finally(() => changing);
  const failures = await sandboxFailures(CHURN);
  console.log(`${what}: ${rounds} rounds of pods in ${Math.round((performance.now() - started) / 1000)} s, ${failures.length} retried`);
  for (const text of failures) console.log(`  ${text.slice(-300)}`);
  await mustKubectl(['delete', 'events', '--all', '-n', CHURN]);
  expect(await identities()).toEqual(expect.arrayContaining(before));
  await audit();
}

/** Nodes that read an empty list, or none, know no controller until their kubelets bring the next one. */
async function expectEndpointsThroughout(change: () => Promise<unknown>): Promise<void> {
  let isOver = false;
  const changing = change().finally(() => (isOver = true));
  const seen = new Set<string>();
  while (!isOver) {
    seen.add(await mustKubectl(['get', 'configmap', 'berth-identity', '-n', NAMESPACE, '-o', 'jsonpath={.data.endpoints}']));
    await sleep(200);
  }
  await changing;
  expect([...seen].filter((list) => list.trim() === '')).toEqual([]);
}

beforeAll(async () => {
  await bringEarlier();
  await helm('uninstall', 'berth');
  // A cluster that has never seen this release: nobody has an address, and there are no custom resources.
  expect(await bound()).toEqual([]);
  await mustKubectl(['delete', 'crd', ...CRDS, '--timeout=60s']);
  await helm('install', 'berth', EARLIER_CHART, '--create-namespace', ...VALUES, `--set=image.tag=${EARLIER}`);
  await apply(...DEFAULT_POOLS);
  for (const ns of [PODS, CHURN]) await freshNamespace(ns);
  await apply(deployment(PODS, 'before', 6));
  await whenReady(PODS, 6);
});

afterAll(async () => {
  rmSync(at('charts'), { recursive: true, force: true });
  for (const ns of [PODS, CHURN]) await deleteNamespace(ns);
  await helm('uninstall', 'berth', '--ignore-not-found');
  await helmInstall();
  await audit();
});

describe(`from ${EARLIER}`, () => {
  test('upgraded while pods start, rolled back, upgraded again: bindings are the same records', async () => {
    await toEarlier();
    expect(await images()).toEqual([EARLIER_IMAGE, EARLIER_IMAGE]);
    await expectEndpointsThroughout(() => underPods('upgrade', helmUpgrade));
    expect(await images()).toEqual([IMAGE, IMAGE]);
    expect(await mustHelm(['test', 'berth', '--namespace', NAMESPACE])).toContain('Succeeded');
    await underPods('rollback', () => helm('rollback', 'berth'));
    expect(await images()).toEqual([EARLIER_IMAGE, EARLIER_IMAGE]);
    await underPods('upgrade again', helmUpgrade);
    expect(await images()).toEqual([IMAGE, IMAGE]);
  });

  test('skew: the earlier plugin on the nodes, these controllers', async () => {
    await toEarlier();
    const chart = halfWay('newer-controllers', CHART, EARLIER_CHART, EARLIER_IMAGE);
    await underPods('newer controllers', () => helmUpgradeTo(chart));
    expect(await images()).toEqual([IMAGE, EARLIER_IMAGE]);
    await underPods('newer controllers, nothing else changes', () => sleep(1));
  });

  test('skew: this plugin on the nodes, the earlier controllers', async () => {
    await toEarlier();
    const chart = halfWay('newer-nodes', EARLIER_CHART, CHART, IMAGE);
    await underPods('newer nodes', () => toEarlier(chart));
    expect(await images()).toEqual([EARLIER_IMAGE, IMAGE]);
    await underPods('newer nodes, nothing else changes', () => sleep(1));
    await underPods('the rest of the upgrade', helmUpgrade);
  });

  test('with --reuse-values, which knows no new value, it is refused in words; --reset-then-reuse-values is what is meant', async () => {
    await toEarlier();
    const upgrade = ['upgrade', 'berth', CHART, '--namespace', NAMESPACE, '--dry-run=server'];
    const { code, stderr } = await inControlPlane('helm', [...upgrade, '--reuse-values']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('--reset-then-reuse-values')]);
    expect(await mustHelm([...upgrade, '--reset-then-reuse-values'])).toContain('--metrics=https://');
  });

  test('a chart whose custom resources have another field: it comes with the upgrade, and goes with the rollback', async () => {
    await helmUpgrade();
    const folder = at('charts', 'later');
    cpSync(CHART, folder, { recursive: true });
    const file = join(folder, 'files/crds/addresspools.yaml');
    const crd = parse(readFileSync(file, 'utf8')) as Crd;
    crd.spec.versions[0]!.schema.openAPIV3Schema.properties.spec.properties['purpose'] = { type: 'string', description: 'For people.' };
    writeFileSync(file, stringify(crd));
    const before = await identities();
    await helmUpgradeTo(folder);
    await eventually(async () => (await kubectl(['explain', 'addresspool.spec.purpose'])).code === 0, 'the field to be served');
    await mustKubectl(['patch', 'addresspool', 'pods', '--type=merge', '-p', '{"spec":{"purpose":"pods"}}']);
    const purpose = (): Promise<string> => mustKubectl(['get', 'addresspool', 'pods', '-o', 'jsonpath={.spec.purpose}']);
    expect(await purpose()).toBe('pods');
    await helm('rollback', 'berth');
    await eventually(async () => (await purpose()) === '', 'the field to be gone');
    expect(await identities()).toEqual(before);
    await audit();
  });
});
