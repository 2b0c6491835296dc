/** berthctl collect on a cluster: what the leader would let go, what its brake holds, and an approval by somebody with that one right. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { berthctl, type Result } from '../cli/berthctl.ts';
import { attachment, binding, BINDINGS, pool, POOLS } from '../crds/objects.ts';
import { ADDRESS_BINDINGS, ADDRESS_POOLS } from '../../src/kubernetes/objects.ts';
import { apiServer, describeCluster, request, runKubectl } from '../support/cluster.ts';
import { makeNamespace, makeNode, newBootId, type PretendedNode } from '../support/cluster-workloads.ts';
import { eventually } from '../support/eventually.ts';
import { applyPath } from '../support/kubectl.ts';
import { deleteAll } from './clients.ts';
import { openFastController } from './fast-controller.ts';
import { writeKubeconfig } from './kubeconfig.ts';

/** Of so many the brake lets five go at once, and five more each half minute of this test's time. */
const LOST = 40;

describeCluster('berthctl collect with a kubeconfig', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-cluster-collect-'));
  let node: PretendedNode;
  let collector: string;
  let stop: () => Promise<void>;

  const run = (command: string, kubeconfig: string): Promise<Result> =>
    berthctl(command.split(' '), { environment: { KUBECONFIG: kubeconfig } });

  beforeAll(async () => {
    for (const type of [ADDRESS_BINDINGS, ADDRESS_POOLS]) await deleteAll(type);
    await applyPath(apiServer().kubeconfig, 'deploy/rbac');
    for (const name of ['lost', 'collectors']) await makeNamespace(name);
    const bootId = newBootId();
    node = await makeNode('collect-node', bootId);
    const { uid } = (await request('GET', '/api/v1/nodes/collect-node')).json.metadata;
    await request('POST', POOLS, pool({ ranges: [{ cidr: '10.79.0.0/24' }], default: true }));
    for (let index = 1; index <= LOST; index++) {
      const podUid = `0b2a4c6e-1111-4222-8333-0000000000${String(index).padStart(2, '0')}`;
      const held = {
        ...attachment,
        terminationGraceSeconds: 0,
        node: 'collect-node',
        nodeUid: uid,
        podUid,
        containerId: `c${index}`,
        stamp: { ...attachment.stamp, bootId },
      };
      const spec = {
        address: `10.79.0.${index}`,
        subinstance: 'lost',
        subid: `p${index}`,
        resource: { type: 'pod', value: `lost/p${index}` },
      };
      const object = binding({ ...spec, node: 'collect-node', podUid, attachments: [held] }, `default.10-79-0-${index}`);
      expect((await request('POST', BINDINGS, object)).status).toBe(201);
    }
    collector = await writeKubeconfig(directory, 'collectors', 'default');
    const grant = ['create', 'rolebinding', 'may-collect', '-n', 'berth', '--role=berth-collect', '--serviceaccount=collectors:default'];
    expect((await runKubectl(grant)).stderr).toBe('');
    // With the rights of deploy/rbac and no others.
    const controller = await openFastController(await writeKubeconfig(directory, 'berth', 'berth-controller'));
    const stopRenewing = node.keepRenewing();
    stop = async () => {
      stopRenewing();
      await controller.close();
    };
  });
  afterAll(async () => {
    await stop();
    await runKubectl(['delete', 'rolebinding', 'may-collect', '-n', 'berth']);
    for (const type of [ADDRESS_BINDINGS, ADDRESS_POOLS]) await deleteAll(type);
    rmSync(directory, { recursive: true, force: true });
  });

  test('shows the evidence and what is held back; an approval lets it go', async () => {
    const bound = async (): Promise<number> =>
      (await request('GET', BINDINGS)).json.items.filter((item: any) => item.spec.state === 'Bound').length;
    const early = await run('collect --dry-run', collector);
    expect([early.exitCode, early.stdout]).toEqual([0, expect.not.stringContaining('released')]);
    await eventually(async () => (await bound()) === LOST - 5, 'the collector to let five go, and no more', 60_000);

    const dry = await run('collect --dry-run', collector);
    const held = dry.stdout.match(/^10\.79\.0\.\d+ +default +held back +held by the brake/gm)?.length ?? 0;
    expect(held).toBeGreaterThan(0);
    expect([dry.exitCode, dry.stderr]).toEqual([0, `${held} addresses are held back; "berthctl collect --approve" lets them go.\n`]);
    const would = JSON.parse((await run('collect --dry-run --approve -o json', collector)).stdout);
    expect(would).toMatchObject({ dryRun: true, held: [] });
    for (const { evidence } of would.released) expect(evidence).toMatch(/^pod lost\/p\d+ .* is gone$/);
    const declined = await berthctl(['collect', '--approve'], { environment: { KUBECONFIG: collector }, answers: ['n'] });
    expect([declined.exitCode, declined.stderr]).toEqual([
      1,
      expect.stringMatching(/^Release \d+ addresses whose holder is gone\? \[y\/N\] Nothing released\.\n$/),
    ]);
    expect(await bound()).toBeGreaterThan(0);
    const approved = await run('collect --approve', collector);
    expect([approved.exitCode, approved.stdout]).toEqual([0, expect.stringMatching(/^10\.79\.0\.\d+ +default +released +pod lost\//m)]);
    expect(await bound()).toBe(0);
    expect((await run('collect', collector)).stderr).toBe('Nobody is gone.\n');
  });
});
