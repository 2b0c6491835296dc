/** The controllers' CA gets old on a real API server: the built plugin trusts what it meets, with the copy the kubelet gave it before too. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleOf, fromData, toData, type AuthorityState } from '../../src/kubernetes/authority-state.ts';
import { makeAuthority } from '../../src/kubernetes/certificates.ts';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { startProcess, whenReady, type Started } from '../server/controller-process.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { deletePod, makeNamespace, makeNode, makePod, mintInstallerToken } from '../support/cluster-workloads.ts';
import { machineBootId } from '../support/machine-boot-id.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { applyPath } from '../support/kubectl.ts';
import { buildHosts, callPlugin } from '../support/plugin.ts';
import { writeKubeconfig } from './kubeconfig.ts';

const IDENTITY = '/api/v1/namespaces/berth/configmaps/berth-identity';
const SECRETS = '/api/v1/namespaces/berth/secrets';
const AUTHORITY = `${SECRETS}/berth-authority`;
const DAY_MS = 86_400_000;

describeCluster('the CA of the controllers, rotating', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-rotation-'));
  const host = buildHosts()[0]!;
  let token: string;
  let kubeconfig: string;
  let port: number;

  beforeAll(async () => {
    await applyPath(apiServer().kubeconfig, 'deploy/rbac');
    await makeNamespace('rotating');
    await makeNode('node-r', machineBootId());
    await request('POST', POOLS, pool({ ranges: [{ cidr: '10.80.0.0/24' }], default: true }, 'rotating'));
    token = await mintInstallerToken('installer-r', 'node-r');
    kubeconfig = await writeKubeconfig(directory, 'berth', 'berth-controller');
    port = await freePort();
  });
  afterAll(async () => {
    for (const path of [BINDINGS, POOLS, IDENTITY, AUTHORITY]) await request('DELETE', path);
    await deletePod('berth', 'installer-r');
    rmSync(directory, { recursive: true, force: true });
  });

  async function keep(state: AuthorityState): Promise<void> {
    await request('DELETE', AUTHORITY);
    const made = await request('POST', SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'berth-authority' },
      data: toData(state),
    });
    expect(made.status, made.text).toBe(201);
  }
  const kept = async (): Promise<AuthorityState> => fromData((await request('GET', AUTHORITY)).json.data)!;

  async function start(name: string): Promise<Started> {
    const socket = join(directory, name);
    const listen = ['--listen', `https://127.0.0.1:${port}`, '--listen', `unix:${socket}`];
    const controller = await startProcess(['--store', 'kubernetes', '--kubeconfig', kubeconfig, ...listen]);
    await whenReady(controller, socket);
    await eventually(() => controller.log().some((line) => line['listen'] === `https://127.0.0.1:${port}`), 'it to listen');
    return controller;
  }
  async function stop({ child, ended, stderr }: Started): Promise<void> {
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(stderr()).not.toContain('PRIVATE KEY');
  }

  /** What an ADD of the built plugin says, with this for its ca.crt. */
  async function addWith(pod: string, ca: string): Promise<string> {
    const uid = await makePod('rotating', pod, 'node-r');
    const identityDir = join(directory, `identity-${pod}`);
    mkdirSync(identityDir);
    for (const [file, text] of Object.entries({ token, 'ca.crt': ca, endpoints: `https://127.0.0.1:${port}\n` }))
      writeFileSync(join(identityDir, file), text);
    const env = {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: `sandbox-${pod}`,
      CNI_NETNS: '/run/netns/x',
      CNI_IFNAME: 'eth0',
      CNI_ARGS: `K8S_POD_NAMESPACE=rotating;K8S_POD_NAME=${pod};K8S_POD_UID=${uid}`,
    };
    const ipam = { type: 'berth', identityDir, spoolDir: join(directory, 'spool'), logFile: join(directory, 'berth.log') };
    const said = await callPlugin(host.path, env, JSON.stringify({ cniVersion: '1.0.0', name: 'n', ipam }));
    await deletePod('rotating', pod);
    return said.stdout;
  }

  test('one that is due gets a successor, which is published before it signs; then it signs, and old copies still do', async () => {
    const old = await makeAuthority(Date.now() - 300 * DAY_MS, 365);
    await keep({ current: old, previous: [] });
    const first = await start('first.sock');
    const due = await kept();
    expect([due.current.cert.trim(), due.next === undefined]).toEqual([old.cert.trim(), false]);
    const published = (await request('GET', IDENTITY)).json.data['ca.crt'] as string;
    expect(published).toBe(bundleOf(due));
    expect(await addWith('before', old.cert)).toContain('10.80.0.');
    await stop(first);

    const next = await makeAuthority(Date.now() - 3 * DAY_MS, 365);
    await keep({ current: old, next, previous: [] });
    const copy = bundleOf(await kept());
    const second = await start('second.sock');
    const after = await kept();
    expect([after.current.cert.trim(), after.next, after.previous.length]).toEqual([next.cert.trim(), undefined, 1]);
    expect(await addWith('late', copy)).toContain('10.80.0.');
    expect(await addWith('fresh', (await request('GET', IDENTITY)).json.data['ca.crt'])).toContain('10.80.0.');
    // The other side of it: with the old CA alone nothing is trusted, so it was the published copy that carried the late one over.
    expect(await addWith('stale', old.cert)).toMatch(/"code": ?11/);
    await stop(second);
  });
});
