import { X509Certificate } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../cmd/dev/execute.ts';
import { bundleOf, fromData, toData } from '../../src/kubernetes/authority-state.ts';
import { makeAuthority } from '../../src/kubernetes/certificates.ts';
import { eventually } from '../../test/support/eventually.ts';
import { NAMESPACE } from '../cluster/berth.ts';
import { addressOfNode, apply, mustKubectl } from '../cluster/kubectl.ts';
import { CONTROL_PLANE, netnsPath, NODES } from '../cluster/layout.ts';
import { onNode } from '../cluster/node.ts';
import { audit } from '../support/audit.ts';
import { churn, sandboxFailures } from '../support/churn.ts';
import { addressesOf, deleteNamespace, freshNamespace, whenReady } from '../support/cluster.ts';
import { DEFAULT_POOLS, deployment } from '../support/objects.ts';

beforeAll(async () => {
  await apply(...DEFAULT_POOLS);
});
afterEach(async () => {
  await audit(180_000);
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const read = async (kind: string, name: string): Promise<Record<string, string>> =>
  (JSON.parse(await mustKubectl(['get', kind, name, '-n', NAMESPACE, '-o', 'json'])) as { data: Record<string, string> }).data;
const onNodes = (file: string): Promise<string[]> => Promise.all(NODES.map((node) => onNode(node, ['cat', `/run/berth/identity/${file}`])));

/** The certificates that the controllers show. */
const served = (): Promise<string[]> =>
  Promise.all(
    NODES.map(async (node) => {
      const program = `
        const socket = require('tls').connect({ host: process.argv[1], port: 8460, rejectUnauthorized: false }, () => {
          console.log(socket.getPeerX509Certificate().toString()); socket.destroy(); });`;
      return must('nsenter', [`--net=${netnsPath(CONTROL_PLANE)}`, process.execPath, '-e', program, await addressOfNode(node)]);
    }),
  );
const isSignedBy = (cert: string, ca: string): boolean => new X509Certificate(cert).verify(new X509Certificate(ca).publicKey);

describe('what makes a node known and the controllers believed', () => {
  test('nodes know the controllers by their Service and by their hosts', async () => {
    const service = (await mustKubectl(['get', 'service', 'berth-controller', '-n', NAMESPACE, '-o', 'jsonpath={.spec.clusterIP}'])).trim();
    const url = (address: string): string => `https://${address}:8460`;
    const nodes = (await Promise.all(NODES.map(addressOfNode))).map(url).toSorted();
    // The Service first: it knows who is ready. What a replica left that could not say that it went is behind.
    const isRight = (text: string): boolean => {
      const [first, ...others] = text.trim().split('\n');
      return first === url(service) && others.slice(0, 2).toSorted().join() === nodes.join();
    };
    expect(await read('configmap', 'berth-identity')).toSatisfy(({ endpoints }: { endpoints: string }) => isRight(endpoints));
    await eventually(async () => (await onNodes('endpoints')).every(isRight), 'the kubelets to have brought the list', 150_000);
    const [one, other] = await onNodes('ca.crt');
    expect(one).toBe(other);
  });

  test('the next CA is published, then signs, while pods start: none of them is held up', async () => {
    const ns = await freshNamespace('e2e-ca-next');
    const state = fromData(await read('secret', 'berth-authority'))!;
    // Two days after it was published it signs; this one says that it was, but for a hundred seconds (and it is
    // dated an hour back).
    const next = await makeAuthority(Date.now() + HOUR - 2 * DAY + 100_000, 365);
    await mustKubectl([
      'patch',
      'secret',
      'berth-authority',
      '-n',
      NAMESPACE,
      '--type=merge',
      '-p',
      JSON.stringify({ data: toData({ ...state, next }) }),
    ]);
    let isOver = false;
    const watching = (async () => {
      await eventually(
        async () => (await onNodes('ca.crt')).every((text) => text.includes(next.cert.trim())),
        'the next CA on the nodes',
        140_000,
      );
      await eventually(async () => fromData(await read('secret', 'berth-authority'))?.current.cert === next.cert, 'it to sign', 240_000);
      await eventually(async () => (await served()).every((cert) => isSignedBy(cert, next.cert)), 'all controllers to use it', 180_000);
    })().finally(() => (isOver = true));
    const rounds = await churn(ns, () => isOver);
    await watching;
    console.log(`CA rotated during ${rounds} rounds of pods`);
    expect(await sandboxFailures(ns)).toEqual([]);
    expect(bundleOf(fromData(await read('secret', 'berth-authority'))!)).toContain(state.current.cert.trim());
    await deleteNamespace(ns);
  });

  test('the CA is lost while pods start: they wait for the new one, and start', async () => {
    const ns = await freshNamespace('e2e-ca-lost');
    const before = await read('secret', 'berth-authority');
    await apply(deployment(ns, 'before', 4));
    await whenReady(ns, 4);
    await mustKubectl(['delete', 'secret', 'berth-authority', '-n', NAMESPACE]);
    await apply(deployment(ns, 'during', 8));
    await eventually(
      async () => {
        const ca = await mustKubectl([
          'get',
          'secret',
          'berth-authority',
          '-n',
          NAMESPACE,
          '--ignore-not-found',
          '-o',
          'jsonpath={.data.ca\\.crt}',
        ]);
        return ca !== '' && ca !== before['ca.crt'];
      },
      'another CA',
      90_000,
    );
    const all = await whenReady(ns, 12, 240_000);
    expect(new Set(addressesOf(all)).size).toBe(24);
    await apply(deployment(ns, 'after', 4));
    await whenReady(ns, 16, 240_000);
    await deleteNamespace(ns);
  });
});
