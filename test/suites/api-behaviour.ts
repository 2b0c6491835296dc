/**
 * What Berth relies on of an API server, through Berth's own client: the same suite for a real one and for the pretended
 * one, so that what is tested against the pretended one means something.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../src/kubernetes/client.ts';
import {
  ADDRESS_BINDINGS,
  ADDRESS_POOLS,
  isOlder,
  LEASES,
  NODES,
  TOKEN_REVIEWS,
  type KubernetesObject,
  type ResourceType,
} from '../../src/kubernetes/objects.ts';
import { bindingResource, poolResource } from '../../src/kubernetes/resources.ts';
import type { ApiAnswer } from '../../src/kubernetes/status.ts';
import type { WatchEvent } from '../../src/kubernetes/watch-stream.ts';
import { contractBinding, contractName, contractPool } from '../../src/store/contract.ts';
import type { PoolSpec } from '../../src/core/pool-spec.ts';
import { eventually } from '../support/eventually.ts';

export interface BehaviourSubject {
  readonly client: Client;
  /** Deletes every object of the type. */
  empty(type: ResourceType): Promise<void>;
  close(): Promise<void>;
}

const binding = (host: number, subid = 'a'): KubernetesObject =>
  bindingResource.toObject(contractName(host), contractBinding(host, subid)) as unknown as KubernetesObject;

const pool = (labels: Record<string, string> = {}): KubernetesObject => {
  const object = poolResource.toObject('blue', contractPool) as unknown as KubernetesObject;
  return { ...object, metadata: { ...object.metadata, labels } };
};

const versionOf = (object: KubernetesObject): string => object.metadata.resourceVersion as string;
const keyOfVersion = (object: KubernetesObject) => ({ uid: object.metadata.uid!, resourceVersion: versionOf(object) });
const OTHER_UID = '11111111-2222-4333-8444-555555555555';

function valueOf<T>(answer: ApiAnswer<T>): T {
  if (!answer.ok) throw new Error(`${answer.status.code} ${answer.status.reason}: ${answer.status.message}`);
  return answer.value;
}

const reasonOf = (answer: ApiAnswer<unknown>): string => (answer.ok ? 'ok' : answer.status.reason);

export function describeApiBehaviour(name: string, open: () => Promise<BehaviourSubject>): void {
  describe(`what Berth relies on of an API server: ${name}`, () => {
    let subject: BehaviourSubject;
    let client: Client;

    beforeAll(async () => {
      subject = await open();
      client = subject.client;
    });
    beforeEach(async () => {
      await subject.empty(ADDRESS_BINDINGS);
      await subject.empty(ADDRESS_POOLS);
    });
    afterAll(() => subject.close());

    const create = async (object: KubernetesObject, type = ADDRESS_BINDINGS) => valueOf(await client.create(type, object));
    const revision = async () => valueOf(await client.list(ADDRESS_BINDINGS, { limit: 1 })).resourceVersion;

    /** Watches until stopped; ends of any kind end it quietly. */
    async function watch(from: string, more: { type?: ResourceType; fieldSelector?: string; timeoutSeconds?: number } = {}) {
      const { type = ADDRESS_BINDINGS, timeoutSeconds = 60, ...selection } = more;
      const stop = new AbortController();
      const answer = await client.watch(type, { resourceVersion: from, timeoutSeconds, ...selection }, { signal: stop.signal });
      const events: WatchEvent[] = [];
      let isOver = false;
      const reading = (async () => {
        for await (const event of valueOf(answer)) events.push(event);
      })()
        .catch(() => undefined)
        .finally(() => (isOver = true));
      return { events, isOver: () => isOver, stop: () => (stop.abort(), reading) };
    }

    test('reasons: taken, unknown name, unknown kind, unknown group', async () => {
      await create(binding(1));
      expect(reasonOf(await client.create(ADDRESS_BINDINGS, binding(1, 'b')))).toBe('AlreadyExists');
      expect(reasonOf(await client.get(ADDRESS_BINDINGS, { name: contractName(2) }))).toBe('NotFound');
      expect(reasonOf(await client.get({ ...ADDRESS_BINDINGS, plural: 'nosuchthings' }, { name: 'x' }))).toBe('NoSuchResource');
      expect(reasonOf(await client.list({ ...ADDRESS_BINDINGS, group: 'nosuch.example' }))).toBe('NoSuchResource');
    });

    test('replace: only the version and uid it names, and never without', async () => {
      const first = await create(binding(1));
      const next = binding(1, 'b');
      const second = valueOf(await client.replace(ADDRESS_BINDINGS, { ...next, metadata: { ...next.metadata, ...keyOfVersion(first) } }));
      expect([second.metadata.uid === first.metadata.uid, isOlder(versionOf(first), versionOf(second))]).toEqual([true, true]);
      const wrong = [keyOfVersion(first), { ...keyOfVersion(second), uid: OTHER_UID }];
      for (const metadata of wrong) {
        const answer = await client.replace(ADDRESS_BINDINGS, { ...next, metadata: { ...next.metadata, ...metadata } });
        expect(reasonOf(answer), JSON.stringify(metadata)).toBe('Conflict');
      }
      expect(reasonOf(await client.replace(ADDRESS_BINDINGS, next))).toBe('Invalid');
      const gone = binding(9);
      expect(reasonOf(await client.replace(ADDRESS_BINDINGS, { ...gone, metadata: { ...gone.metadata, ...keyOfVersion(first) } }))).toBe(
        'NotFound',
      );
    });

    test('a replace by the same writes nothing', async () => {
      const first = await create(binding(1));
      const again = valueOf(await client.replace(ADDRESS_BINDINGS, first));
      expect(versionOf(again)).toBe(versionOf(first));
    });

    test('remove: only the version and uid it names', async () => {
      const first = await create(binding(1));
      for (const wrong of [
        { ...keyOfVersion(first), uid: OTHER_UID },
        { ...keyOfVersion(first), resourceVersion: '1' },
      ]) {
        expect(reasonOf(await client.remove(ADDRESS_BINDINGS, { name: contractName(1) }, wrong)), JSON.stringify(wrong)).toBe('Conflict');
      }
      expect(reasonOf(await client.remove(ADDRESS_BINDINGS, { name: contractName(1) }, keyOfVersion(first)))).toBe('ok');
      expect(reasonOf(await client.remove(ADDRESS_BINDINGS, { name: contractName(1) }, keyOfVersion(first)))).toBe('NotFound');
    });

    test('a patch that sets uid and version compares them, and leaves what it does not name', async () => {
      const first = await create(pool({ team: 'net' }), ADDRESS_POOLS);
      const patch = ({ uid, resourceVersion }: { uid: string; resourceVersion: string }, cooldownSeconds: number) =>
        client.patch(ADDRESS_POOLS, { name: 'blue' }, [
          { op: 'replace', path: '/metadata/uid', value: uid },
          { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
          { op: 'replace', path: '/spec/cooldownSeconds', value: cooldownSeconds },
        ]);
      const second = valueOf(await patch(keyOfVersion(first), 61));
      expect([second.metadata.labels, second.metadata.generation]).toEqual([{ team: 'net' }, 2]);
      expect(reasonOf(await patch(keyOfVersion(first), 62))).toBe('Conflict');
      expect(reasonOf(await patch({ ...keyOfVersion(first), uid: OTHER_UID }, 63))).toBe('Conflict'); // deleted and made again
      expect(reasonOf(await patch({ ...keyOfVersion(second), uid: OTHER_UID }, 63))).toBe('Invalid'); // no two objects share a version
      const current = valueOf(await client.get<KubernetesObject & { spec: PoolSpec }>(ADDRESS_POOLS, { name: 'blue' }));
      expect(current.spec.cooldownSeconds).toBe(61);
    });

    test('a status is written by its own door alone, and is no new generation', async () => {
      const status = { total: '65534' };
      const first = await create({ ...pool(), status } as KubernetesObject, ADDRESS_POOLS);
      expect((first as { status?: unknown }).status).toBeUndefined();
      const target = { name: 'blue', subresource: 'status' as const };
      const second = valueOf(await client.patch<any>(ADDRESS_POOLS, target, [{ op: 'add', path: '/status', value: status }]));
      expect([second.status.total, second.metadata.generation]).toEqual(['65534', 1]);
      const third = valueOf(
        await client.replace<any>(ADDRESS_POOLS, { ...second, status: { total: '1' }, spec: { ...second.spec, priority: 7 } }),
      );
      expect([third.status.total, third.metadata.generation, third.spec.priority]).toEqual(['65534', 2, 7]);
    });

    test('pages of one listing show one version, whatever is written meanwhile', async () => {
      for (let host = 1; host <= 5; host++) await create(binding(host));
      const names: string[] = [];
      const first = valueOf(await client.list(ADDRESS_BINDINGS, { limit: 2 }));
      valueOf(
        await client.remove(
          ADDRESS_BINDINGS,
          { name: contractName(5) },
          keyOfVersion(valueOf(await client.get(ADDRESS_BINDINGS, { name: contractName(5) }))),
        ),
      );
      await create(binding(6));
      let page = first;
      for (;;) {
        names.push(...page.items.map(({ metadata }) => metadata.name));
        expect(page.resourceVersion).toBe(first.resourceVersion);
        if (page.continue === undefined) break;
        page = valueOf(await client.list(ADDRESS_BINDINGS, { limit: 2, continue: page.continue }));
      }
      expect(names).toEqual([1, 2, 3, 4, 5].map(contractName));
    });

    test('a watch goes on from a listing: every change once and in order, a deletion with the last state and a newer version', async () => {
      const watching = await watch(await revision());
      const first = await create(binding(1));
      const next = binding(1, 'b');
      const second = valueOf(await client.replace(ADDRESS_BINDINGS, { ...next, metadata: { ...next.metadata, ...keyOfVersion(first) } }));
      valueOf(await client.remove(ADDRESS_BINDINGS, { name: contractName(1) }, keyOfVersion(second)));
      const third = await create(binding(1, 'c'));
      await eventually(() => watching.events.length >= 4, 'four events');
      const seen = watching.events.map(({ type, object }) => `${type} ${object.metadata.uid} ${(object as any).spec.subid}`);
      const uid = first.metadata.uid;
      expect(seen).toEqual([`ADDED ${uid} a`, `MODIFIED ${uid} b`, `DELETED ${uid} b`, `ADDED ${third.metadata.uid} c`]);
      const versions = watching.events.map(({ object }) => versionOf(object));
      expect(versions.slice(0, 2)).toEqual([versionOf(first), versionOf(second)]);
      expect([isOlder(versions[1]!, versions[2]!), isOlder(versions[2]!, versions[3]!)]).toEqual([true, true]);
      await watching.stop();
    });

    test('a watch from an earlier version tells what has happened since', async () => {
      const from = await revision();
      const first = await create(binding(1));
      valueOf(await client.remove(ADDRESS_BINDINGS, { name: contractName(1) }, keyOfVersion(first)));
      const watching = await watch(from);
      await eventually(() => watching.events.length >= 2, 'two events');
      expect(watching.events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
      await watching.stop();
    });

    test('a watch ends when its time is over', async () => {
      const watching = await watch(await revision(), { timeoutSeconds: 1 });
      await eventually(() => watching.isOver(), 'the end of the watch');
      expect(watching.events.filter(({ type }) => type !== 'BOOKMARK')).toEqual([]);
    });

    test('a watch from a version that is still to come is silent', async () => {
      const watching = await watch(String(BigInt(await revision()) + 1_000_000n), { timeoutSeconds: 2 });
      await create(binding(1));
      await eventually(() => watching.isOver(), 'the end of the watch');
      expect(watching.events).toEqual([]);
    });

    test('a version that is too old is said to be so', async () => {
      const stop = new AbortController();
      const answer = await client.watch(ADDRESS_BINDINGS, { resourceVersion: '1', timeoutSeconds: 5 }, { signal: stop.signal });
      const events: WatchEvent[] = [];
      if (answer.ok) for await (const event of answer.value) events.push(event);
      const said = answer.ok ? (events[0]?.object as { code?: number } | undefined)?.code : answer.status.code;
      expect(said).toBe(410);
    });

    test('what leaves a selection is deleted for its watch, and comes with the version at which it left', async () => {
      const watching = await watch(await revision(), { fieldSelector: 'spec.subid=a' });
      const first = await create(binding(1));
      const next = binding(1, 'b');
      const second = valueOf(await client.replace(ADDRESS_BINDINGS, { ...next, metadata: { ...next.metadata, ...keyOfVersion(first) } }));
      await eventually(() => watching.events.length >= 2, 'two events');
      expect(watching.events.map(({ type, object }) => `${type} ${versionOf(object)}`)).toEqual([
        `ADDED ${versionOf(first)}`,
        `DELETED ${versionOf(second)}`,
      ]);
      await watching.stop();
    });

    test('a finalizer keeps an object, marked, until it is taken off', async () => {
      const plain = binding(1);
      const first = await create({ ...plain, metadata: { ...plain.metadata, finalizers: ['test.example/keep'] } });
      const marked = valueOf(await client.remove(ADDRESS_BINDINGS, { name: contractName(1) }, keyOfVersion(first)));
      expect([marked.metadata.finalizers, marked.metadata.deletionTimestamp !== undefined]).toEqual([['test.example/keep'], true]);
      expect(reasonOf(await client.create(ADDRESS_BINDINGS, binding(1)))).toBe('AlreadyExists');
      valueOf(await client.patch(ADDRESS_BINDINGS, { name: contractName(1) }, [{ op: 'remove', path: '/metadata/finalizers' }]));
      expect(reasonOf(await client.get(ADDRESS_BINDINGS, { name: contractName(1) }))).toBe('NotFound');
    });

    test('built-in kinds: nodes and their leases, with status by its own door', async () => {
      const name = `node-${Math.floor(performance.now())}`;
      const node = await create({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { a: 'b' } } } as KubernetesObject, NODES);
      const status = { nodeInfo: nodeInfo('boot-1') };
      const patched = valueOf(
        await client.patch<any>(NODES, { name, subresource: 'status' }, [{ op: 'add', path: '/status/nodeInfo', value: status.nodeInfo }]),
      );
      expect(patched.status.nodeInfo.bootID).toBe('boot-1');
      expect(patched.metadata.uid).toBe(node.metadata.uid);
      const selected = valueOf(await client.list(NODES, { labelSelector: 'a in (b,c)', fieldSelector: `metadata.name=${name}` }));
      expect(selected.items.map(({ metadata }) => metadata.name)).toEqual([name]);
      const lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { namespace: 'kube-node-lease', name },
        spec: { holderIdentity: name },
      };
      expect(valueOf(await client.create<KubernetesObject>(LEASES, lease)).metadata.namespace).toBe('kube-node-lease');
      expect(reasonOf(await client.create<KubernetesObject>(LEASES, lease))).toBe('AlreadyExists');
      for (const [type, target] of [
        [NODES, { name }],
        [LEASES, { namespace: 'kube-node-lease', name }],
      ] as const) {
        const current = valueOf(await client.get(type, target));
        expect(reasonOf(await client.remove(type, target, keyOfVersion(current)))).toBe('ok');
      }
    });

    test('a token that nobody has given out is nobody’s', async () => {
      const review = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: {},
        spec: { token: 'invented', audiences: ['berth'] },
      };
      const answer = valueOf(await client.review<any>(TOKEN_REVIEWS, review));
      expect(answer.status.authenticated ?? false).toBe(false);
    });
  });
}

const nodeInfo = (bootID: string) => ({
  bootID,
  architecture: 'amd64',
  containerRuntimeVersion: '',
  kernelVersion: '',
  kubeProxyVersion: '',
  kubeletVersion: '',
  machineID: '',
  operatingSystem: 'linux',
  osImage: '',
  systemUUID: '',
});
