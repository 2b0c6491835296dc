/**
 * Who may ask (DESIGN section 7), with tokens that a real API server minted for pods on pretended nodes: over https,
 * by hand and through the built plugin, which has its CA and the controller's address from the published ConfigMap.
 */
import { Agent } from 'node:https';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SERVER_NAME } from '../../src/protocol.ts';
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { spawnController, whenReady, type Started } from '../server/controller-process.ts';
import { cniAdd, cniDel, stamp } from '../server/requests.ts';
import { apiServer, describeCluster, request } from '../support/cluster.ts';
import { deletePod, makeInstaller, makeNamespace, makeNode, makePod, mintInstallerToken, newBootId } from '../support/cluster-workloads.ts';
import { machineBootId } from '../support/machine-boot-id.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { ask, type HttpAnswer } from '../support/http.ts';
import { applyPath } from '../support/kubectl.ts';
import { buildHosts, callPlugin } from '../support/plugin.ts';
import { mintToken } from '../support/service-account-token.ts';
import { signAnew } from '../support/sign-token.ts';
import { writeKubeconfig } from './kubeconfig.ts';

const IDENTITY = '/api/v1/namespaces/berth/configmaps/berth-identity';
const AUTHORITY = '/api/v1/namespaces/berth/secrets/berth-authority';
const SCRAPER_ROLE = '/apis/rbac.authorization.k8s.io/v1/clusterroles/berth-scraper';
const SCRAPER_BINDING = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/berth-scraper';

const parent = (path: string): string => path.slice(0, path.lastIndexOf('/'));

describeCluster('identity in a cluster', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-identity-cluster-'));
  const boots = { 'node-a': newBootId(), 'node-b': machineBootId() };
  const tokens: Record<string, string> = {};
  const uids: Record<string, string> = {};
  const outputs: string[] = [];
  let port: number;
  let metricsPort: number;
  let controller: Started;

  beforeAll(async () => {
    await applyPath(apiServer().kubeconfig, 'deploy/rbac');
    await makeNamespace('berth');
    await makeNamespace('guarded');
    for (const [name, bootId] of Object.entries(boots)) await makeNode(name, bootId);
    await request('POST', POOLS, pool({ ranges: [{ cidr: '10.79.0.0/24' }], default: true }, 'guarded'));
    for (const node of ['node-a', 'node-b']) {
      const bound = await makeInstaller(`installer-${node}`, node);
      const token = await mintToken(bound);
      tokens[node] = token;
      if (node === 'node-a') {
        tokens['other audience'] = await mintToken({ ...bound, audience: 'someone-else' });
        signTokens(token);
      }
    }
    tokens['deleted pod'] = await mintInstallerToken('installer-gone', 'node-a');
    await deletePod('berth', 'installer-gone');
    tokens['no pod'] = await mintToken({ namespace: 'berth', account: 'berth-node', audience: 'berth' });
    uids['plain'] = await makePod('guarded', 'plain', 'node-a');
    tokens['plain pod'] = await mintToken({ namespace: 'guarded', account: 'default', audience: 'berth', pod: { name: 'plain', uid: uids['plain'] } }); // prettier-ignore
    uids['on-b'] = await makePod('guarded', 'on-b', 'node-b');

    tokens['scraper'] = await mintScraper();

    port = await freePort();
    metricsPort = await freePort();
    const kubeconfig = await writeKubeconfig(directory, 'berth', 'berth-controller');
    const socket = join(directory, 'a.sock');
    const metrics = ['--metrics', `https://127.0.0.1:${metricsPort}`];
    const listen = ['--listen', `https://127.0.0.1:${port}`, '--listen', `unix:${socket}`, ...metrics];
    controller = await spawnController(['--store', 'kubernetes', '--kubeconfig', kubeconfig, ...listen, '--log-level', 'debug']);
    await whenReady(controller, socket);
    await eventually(async () => (await request('GET', IDENTITY)).json.data?.endpoints, 'the endpoints to be published');
    // They are published before anybody serves, so that whoever meets the certificate trusts it.
    const listening = (at: number) => controller.log().some(({ listen }) => listen === `https://127.0.0.1:${at}`);
    await eventually(() => listening(port) && listening(metricsPort), 'it to listen');
  });
  afterAll(async () => {
    controller.child.kill('SIGTERM');
    expect(await controller.ended).toBe(0);
    for (const path of [BINDINGS, POOLS]) await request('DELETE', path);
    for (const path of [IDENTITY, AUTHORITY, SCRAPER_ROLE, SCRAPER_BINDING]) await request('DELETE', path);
    for (const node of ['node-a', 'node-b']) await deletePod('berth', `installer-${node}`);
    rmSync(directory, { recursive: true, force: true });
  });

  /** Of the same pod on its node, by who has the API server's key: only their times differ, and one signature. */
  function signTokens(token: string): void {
    const key = readFileSync(join(apiServer().directory, 'service-account.key'), 'utf8');
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    const now = Math.floor(Date.now() / 1_000);
    const hour = 3_600;
    tokens['signed anew'] = signAnew(token, { iat: now - hour, nbf: now - hour, exp: now + hour }, key);
    tokens['expired'] = signAnew(token, { iat: now - 2 * hour, nbf: now - 2 * hour, exp: now - hour }, key);
    tokens['not yet valid'] = signAnew(token, { iat: now + hour, nbf: now + hour, exp: now + 2 * hour }, key);
    tokens['signed with another key'] = signAnew(token, { iat: now - hour, nbf: now - hour, exp: now + hour }, other);
  }

  /** Somebody with the right to read metrics, and no other. */
  async function mintScraper(): Promise<string> {
    const name = 'berth-scraper';
    const rbac = 'rbac.authorization.k8s.io';
    const made = [
      await request('POST', '/api/v1/namespaces/guarded/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }),
      await request('POST', parent(SCRAPER_ROLE), {
        apiVersion: `${rbac}/v1`,
        kind: 'ClusterRole',
        metadata: { name },
        rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }],
      }),
      await request('POST', parent(SCRAPER_BINDING), {
        apiVersion: `${rbac}/v1`,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'guarded' }],
      }),
    ];
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
    return mintToken({ namespace: 'guarded', account: name });
  }

  async function call(verb: string, body: object, token?: string): Promise<HttpAnswer> {
    const ca = (await request('GET', IDENTITY)).json.data['ca.crt'] as string;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await ask({ host: '127.0.0.1', port, ca, servername: SERVER_NAME, agent: false }, 'POST', verb, body, headers);
    outputs.push(answer.text);
    return answer;
  }
  const add = (name: string, token?: string, more: object = {}, node: keyof typeof boots = 'node-a') =>
    call('/v1/cni/add', cniAdd({ containerId: `c-${name}`, pod: { namespace: 'guarded', name, uid: uids[name]! }, stamp: { ...stamp, bootId: boots[node] }, ...more }), token); // prettier-ignore

  test('a token of the node serves its pods', async () => {
    const answer = await add('plain', tokens['node-a']);
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('10.79.0.')]);
    expect((await add('on-b', tokens['node-b'], {}, 'node-b')).status).toBe(200);
  });

  test.each([
    ['none', undefined, 401],
    ['nonsense', 'nonsense', 401],
    ['for another audience', 'other audience', 401],
    ['of a pod that is deleted', 'deleted pod', 401],
    ['of a plain pod', 'plain pod', 403],
    ['bound to no pod', 'no pod', 403],
  ])('a token that is %s is refused', async (_title, key, status) => {
    const answer = await add('plain', key === undefined ? undefined : (tokens[key] ?? key));
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
  });

  test('a token that has expired is refused, and says what to look at; the same one in its time is accepted', async () => {
    expect((await add('plain', tokens['signed anew'])).status).toBe(200);
    const refused = async (name: string): Promise<unknown[]> => {
      const { status, json } = await add('plain', tokens[name]);
      return [status, json.reason, json.detail];
    };
    expect(await refused('expired')).toEqual([
      401,
      'Unauthenticated',
      "The token has expired: the kubelet renews the one of each pod, so look at this node's pod of berth/berth-node (does it run?) and at its clock.",
    ]);
    expect(await refused('not yet valid')).toEqual([
      401,
      'Unauthenticated',
      'The token is not valid yet: the clocks of this node and of the API server differ.',
    ]);
    expect(await refused('signed with another key')).toEqual([
      401,
      'Unauthenticated',
      'The token is not valid, or not for the audience "berth".',
    ]);
  });

  test("another node's token gets none of its pods, and releases nothing of it", async () => {
    expect((await add('on-b', tokens['node-a'])).json.reason).toBe('NotAllowed');
    const of = (await request('GET', BINDINGS)).json.items as { metadata: { name: string }; spec: { subid: string; state: string } }[];
    const name = of.find(({ spec }) => spec.subid === 'on-b' && spec.state === 'Bound')!.metadata.name;
    const del = cniDel({ containerId: 'c-on-b', stamp: { ...stamp, bootId: boots['node-a'], startedTicks: 9_999 } });
    expect((await call('/v1/cni/del', del, tokens['node-a'])).status).toBe(200);
    expect((await request('GET', `${BINDINGS}/${name}`)).json.spec.state).toBe('Bound');
  });

  test("another node's token checks, collects and spools nothing but its own", async () => {
    const find = async (subid: string): Promise<{ address: string; state: string; containerId: string }> => {
      const { items } = (await request('GET', BINDINGS)).json as { items: { spec: any }[] };
      const { spec } = items.find(({ spec }) => spec.subid === subid)!;
      return { address: spec.address, state: spec.state, containerId: spec.attachments[0].containerId };
    };
    const [own, other] = [await find('plain'), await find('on-b')];
    const late = (node: keyof typeof boots) => ({ ...stamp, bootId: boots[node], startedTicks: 99_999 });
    const check = ({ address, containerId }: typeof own, node: keyof typeof boots) =>
      call('/v1/cni/check', { ...cniAdd({ containerId, stamp: late(node) }), prevAddresses: [`${address}/24`] }, tokens[node]);
    expect([(await check(own, 'node-a')).status, (await check(other, 'node-b')).status]).toEqual([200, 200]);
    const refused = await check(other, 'node-a');
    expect([refused.status, refused.json.reason]).toEqual([404, 'BindingNotFound']);

    const deletes = [cniDel({ containerId: other.containerId, stamp: late('node-a') })];
    expect((await call('/v1/cni/spool', { deletes }, tokens['node-a'])).status).toBe(200);
    expect((await find('on-b')).state).toBe('Bound');
    const gc = { cniVersion: '1.1.0', cniNetwork: 'n1', validAttachments: [], gcMinAgeSeconds: 0, stamp: late('node-a') };
    expect((await call('/v1/cni/gc', gc, tokens['node-a'])).status).toBe(200);
    // Its own, that the runtime does not know, and no other.
    expect([(await find('plain')).state, (await find('on-b')).state]).toEqual(['Released', 'Bound']);
  });

  test('a stolen token cannot drain a pool by net1 to netN', async () => {
    const answers: HttpAnswer[] = [];
    for (let index = 1; index <= 40; index++) answers.push(await add('plain', tokens['node-a'], { ifName: `net${index}` }));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(32);
    expect(answers.at(-1)!.json.reason).toBe('LimitReached');
  });

  test('nothing but the plugin’s routes is there', async () => {
    const ca = (await request('GET', IDENTITY)).json.data['ca.crt'] as string;
    for (const path of ['/v1/pools', '/v1/bindings', '/metrics', '/openapi.json']) {
      const headers = { authorization: `Bearer ${tokens['node-a']}` };
      expect((await ask({ host: '127.0.0.1', port, ca, servername: SERVER_NAME }, 'GET', path, undefined, headers)).status, path).toBe(404);
    }
  });

  test('metrics are for who may get the path, and alone on their port', async () => {
    const ca = (await request('GET', IDENTITY)).json.data['ca.crt'] as string;
    const at = { host: '127.0.0.1', port: metricsPort, ca, servername: SERVER_NAME, agent: false } as const;
    const get = (path: string, token?: string) =>
      ask(at, 'GET', path, undefined, token === undefined ? {} : { authorization: `Bearer ${token}` });
    const scraped = await get('/metrics', tokens['scraper']);
    expect([scraped.status, scraped.text]).toEqual([200, expect.stringContaining('berth_pool_addresses{pool="guarded",state="total"}')]);
    outputs.push(scraped.text);
    const other = await mintToken({ namespace: 'guarded', account: 'default' });
    const refused = await get('/metrics', other);
    expect([refused.status, refused.json.detail]).toEqual([
      403,
      'system:serviceaccount:guarded:default has no right to get the path /metrics.',
    ]);
    // A node's token is for another audience: it is nobody's here.
    for (const token of [undefined, 'nonsense', tokens['node-a']]) expect((await get('/metrics', token)).status).toBe(401);
    for (const path of ['/v1/bindings', '/readyz']) expect((await get(path, tokens['scraper'])).status, path).toBe(404);
    expect((await ask(at, 'POST', '/v1/cni/del', {}, { authorization: `Bearer ${tokens['scraper']}` })).status).toBe(404);
    expect((await add('plain', tokens['scraper'])).status).toBe(401);
  });

  test.each(buildHosts().map((host, index) => [host.name, host, index] as const))(
    'the built plugin gets and returns an address: %s',
    async (_name, host, index) => {
      const name = `by-plugin-${index}`;
      const uid = await makePod('guarded', name, 'node-b');
      const identityDir = join(directory, `identity-${index}`);
      mkdirSync(identityDir);
      const { data } = (await request('GET', IDENTITY)).json as { data: Record<string, string> };
      for (const [file, text] of Object.entries({ token: tokens['node-b']!, 'ca.crt': data['ca.crt']!, endpoints: data['endpoints']! }))
        writeFileSync(join(identityDir, file), text);
      const config = { cniVersion: '1.0.0', name: 'n', ipam: { type: 'berth', identityDir, spoolDir: join(directory, 'spool'), logFile: join(directory, 'berth.log') } }; // prettier-ignore
      const env = (verb: string) => ({
        CNI_COMMAND: verb,
        CNI_CONTAINERID: `sandbox-${index}`,
        CNI_NETNS: '/run/netns/x',
        CNI_IFNAME: 'eth0',
        CNI_ARGS: `K8S_POD_NAMESPACE=guarded;K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
      });
      const added = await callPlugin(host.path, env('ADD'), JSON.stringify(config));
      expect(JSON.parse(added.stdout)).toMatchObject({ ips: [{ address: expect.stringMatching(/^10\.79\.0\.\d+\//) }] });
      const deleted = await callPlugin(host.path, env('DEL'), JSON.stringify(config));
      expect([deleted.code, deleted.stdout]).toEqual([0, '']);
      outputs.push(added.stdout, added.stderr, deleted.stderr);
      await deletePod('guarded', name);
    },
  );

  test('a node that asks too often is told when to come back, and the others are served', async () => {
    const ca = (await request('GET', IDENTITY)).json.data['ca.crt'] as string;
    const agent = new Agent({ keepAlive: true, maxSockets: 32 });
    const bearer = { authorization: `Bearer ${tokens['node-a']}` };
    const del = cniDel({ containerId: 'nobody', stamp: { ...stamp, bootId: boots['node-a'], startedTicks: 100_000 } });
    const release = () => ask({ host: '127.0.0.1', port, ca, servername: SERVER_NAME, agent }, 'POST', '/v1/cni/del', del, bearer);
    const refused: HttpAnswer[] = [];
    let sent = 0;
    // A burst of 500, and 50 a second: a machine that is slow gets further before it is too fast.
    const callers = Array.from({ length: 32 }, async () => {
      while (refused.length === 0 && sent < 5_000) {
        sent++;
        const answer = await release();
        if (answer.status !== 200) refused.push(answer);
      }
    });
    await Promise.all(callers);
    agent.destroy();
    expect(sent).toBeGreaterThan(400);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, json, headers } of refused)
      expect([status, json.reason, headers['retry-after']]).toEqual([503, 'Overloaded', '1']);
    expect((await add('on-b', tokens['node-b'], {}, 'node-b')).status).toBe(200);
  });

  test('no token is in an answer, a log line, an argument, the environment, an object or a file but its own', async () => {
    const { pid } = controller.child;
    const files = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'token' && !entry.name.endsWith('.kubeconfig'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    const objects = [await request('GET', BINDINGS), await request('GET', IDENTITY), await request('GET', AUTHORITY)].map(
      ({ text }) => text,
    );
    const process = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1'));
    const everything = [...outputs, ...files, ...objects, ...process, controller.stdout(), controller.stderr()].join('\n');
    expect(everything.length).toBeGreaterThan(10_000);
    // The signature is what makes a token one.
    for (const [name, token] of Object.entries(tokens)) expect(everything.includes(token.split('.')[2]!), name).toBe(false);
    for (const part of [0, 1]) expect(everything.includes(tokens['expired']!.split('.')[part]!)).toBe(false);
  });
});
