import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CHART, helmInstall, helmUpgrade, NAMESPACE } from '../cluster/berth.ts';
import { must } from '../../cmd/dev/execute.ts';
import { CONTROL_PLANE, netnsPath, NODES } from '../cluster/layout.ts';
import type { NodeName } from '../cluster/layout.ts';
import { tryOnNode } from '../cluster/node.ts';
import { eventually } from '../../test/support/eventually.ts';
import { addressOfNode, apply, mustHelm, mustKubectl } from '../cluster/kubectl.ts';
import { audit } from '../support/audit.ts';
import { bound, deleteNamespace, freshNamespace, list, whenReady } from '../support/cluster.ts';
import { DEFAULT_POOLS, deployment } from '../support/objects.ts';

beforeAll(async () => {
  await apply(...DEFAULT_POOLS);
});
afterEach(async () => {
  await audit();
});

/** Name and uid: deleted and made again would show. */
const identities = async (): Promise<string[]> => (await bound()).map(({ metadata }) => `${metadata.name} ${metadata.uid}`).toSorted();
const helm = (...args: string[]): Promise<string> => mustHelm([...args, '--namespace', NAMESPACE]);

describe('the chart', () => {
  test('is tested by its own test', async () => {
    expect(await helm('test', 'berth')).toContain('Succeeded');
  });

  test('upgraded while pods start, rolled back, uninstalled and installed again: bindings are the same records', async () => {
    const ns = await freshNamespace('e2e-helm');
    await apply(deployment(ns, 'before', 6));
    await whenReady(ns, 6);
    const before = await identities();
    const upgrade = helmUpgrade('--set=controller.logLevel=debug', '--set=installer.tokenExpirationSeconds=43200');
    await apply(deployment(ns, 'during', 10));
    await upgrade;
    await whenReady(ns, 16);
    expect(await identities()).toEqual(expect.arrayContaining(before));
    await helm('rollback', 'berth', '1', '--wait', '--timeout=3m');
    await audit();
    const then = await identities();

    await helm('uninstall', 'berth', '--wait', '--timeout=2m');
    expect(await identities()).toEqual(then);
    expect(await list('addresspools')).not.toEqual([]);
    await helmInstall();
    expect(await identities()).toEqual(then);
    await mustKubectl(['scale', 'deployment', 'during', '-n', ns, '--replicas=2']);
    await whenReady(ns, 8);
    await deleteNamespace(ns);
  });

  test('serves metrics to whom berth-metrics-reader is bound, and to nobody else', async () => {
    const ns = await freshNamespace('e2e-metrics');
    for (const name of ['reader', 'stranger']) await mustKubectl(['create', 'serviceaccount', name, '-n', ns]);
    await mustKubectl(['create', 'clusterrolebinding', ns, '--clusterrole=berth-metrics-reader', `--serviceaccount=${ns}:reader`]);
    const ca = await mustKubectl(['get', 'configmap', 'berth-identity', '-n', NAMESPACE, '-o', 'jsonpath={.data.ca\\.crt}']);
    const read = async (name: string): Promise<string> => {
      const token = (await mustKubectl(['create', 'token', name, '-n', ns])).trim();
      const program = `
        const [host, ca, token] = process.argv.slice(1);
        const headers = { authorization: 'Bearer ' + token };
        require('https').get({ host, port: 8461, path: '/metrics', servername: 'berth-controller.berth.svc', ca, headers }, (answer) => {
          console.log(answer.statusCode); answer.pipe(process.stdout); });`;
      return must('nsenter', [`--net=${netnsPath(CONTROL_PLANE)}`, process.execPath, '-e', program, await addressOfNode('n1'), ca, token]);
    };
    expect(await read('reader')).toMatch(/^200\n[^]*berth_synced 1/);
    expect(await read('stranger')).toMatch(/^403\n/);
    await mustKubectl(['delete', 'clusterrolebinding', ns]);
    await deleteNamespace(ns);
  });

  test('puts a network list on the nodes where it is asked to: pods start on it, and it goes with the plugin', async () => {
    const ns = await freshNamespace('e2e-list');
    const file = '/etc/cni/net.d/05-berth.conflist';
    const asked = ['install=true', 'fileName=05-berth.conflist', 'isGateway=false', 'ipMasq=false'].map(
      (value) => `--set=bridgeNetwork.${value}`,
    );
    const isThere = async (node: NodeName): Promise<boolean> => (await tryOnNode(node, ['test', '-e', file])).code === 0;
    await helmUpgrade(...asked, '--set=installer.removeOnStop=true');
    for (const node of NODES) expect(await isThere(node)).toBe(true);
    await apply(deployment(ns, 'listed', 4));
    await whenReady(ns, 4);
    const networks = (await bound()).filter(({ spec }) => spec.subinstance === ns).map(({ spec }) => spec.attachments![0]!.cniNetwork);
    expect(networks).toEqual(Array.from({ length: 8 }, () => 'berth-bridge'));
    await deleteNamespace(ns);
    await audit();
    await helm('uninstall', 'berth', '--wait', '--timeout=2m');
    for (const node of NODES) await eventually(async () => !(await isThere(node)), `the list to be gone from ${node}`, 60_000);
    await helmInstall();
  });

  test('refuses a value that is none', async () => {
    await expect(mustHelm(['template', 'berth', CHART, '--set=controller.replica=3'])).rejects.toThrow(/replica/);
  });
});
