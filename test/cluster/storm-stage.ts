/** What a storm is played on: an API server of its own, a node that lives, pods, two replicas, and what goes wrong with all of it. */
import { BINDINGS, POOLS, pool } from '../crds/objects.ts';
import { spawnController, whenReady, type Started } from '../server/controller-process.ts';
import type { ApiServer } from '../support/api-server.ts';
import { applyPath } from '../support/kubectl.ts';
import { workloadsOn } from '../support/workloads-on.ts';

const NODE = 'stormy';
export const BOOT = '0f0e0d0c-0b0a-4908-8706-050403020100';
export const NAMESPACE = 'storm';

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Again until it works: at 50 ms each, longer than anything is away. */
export const MOST_ATTEMPTS = 1_200;

export interface Replica {
  readonly name: string;
  readonly socket: string;
  running: Started;
}

export interface StormWorld {
  /** UIDs of the pods p-0, p-1, … */
  readonly pods: readonly string[];
  /** As a runtime that never sends DEL: the pod is gone, and its kubelet lives. */
  vanish(name: string, uid: string): Promise<void>;
  /** Under the same name, with a new UID, which is returned. */
  makeAnew(name: string, goneUid: string): Promise<string>;
  readonly replicas: readonly Replica[];
  /** How many bindings are bound. */
  bound(): Promise<number>;
  close(): void;
}

export async function openWorld(
  server: ApiServer,
  socketOf: (name: string) => string,
  counts: { readonly pods: number; readonly addresses: number },
): Promise<StormWorld> {
  await applyPath(server.kubeconfig, 'deploy/crds');
  const { makeNamespace, makeNode, makePod } = workloadsOn(server.request);
  await makeNamespace(NAMESPACE);
  const node = await makeNode(NODE, BOOT);
  const ranges = [{ first: '10.91.0.10', last: `10.91.0.${9 + counts.addresses}` }];
  const spec = { ranges, subnet: '10.91.0.0/24', gateway: '10.91.0.1', default: true, cooldownSeconds: 2 };
  const made = await server.request('POST', POOLS, pool(spec, 'storm'));
  if (made.status !== 201) throw new Error(made.text);
  const pods: string[] = [];
  for (let index = 0; index < counts.pods; index++) pods.push(await makePod(NAMESPACE, `p-${index}`, NODE));
  const replicas: Replica[] = [];
  for (const name of ['a', 'b']) {
    const running = await spawnAt(server, socketOf(name));
    replicas.push({ name, socket: socketOf(name), running });
    await whenReady(running, socketOf(name));
  }
  const stopRenewing = node.keepRenewing();

  const pathOf = (name: string): string => `/api/v1/namespaces/${NAMESPACE}/pods/${name}`;
  return {
    pods,
    replicas,
    vanish: (name, uid) =>
      insist(`pod ${name} to be deleted`, async () => {
        // One that an earlier try makes late must not hit the next pod of the name.
        const answer = await server.request('DELETE', pathOf(name), { gracePeriodSeconds: 0, preconditions: { uid } });
        return answer.status < 300 || answer.status === 404 || answer.status === 409 || undefined;
      }).then(() => undefined),
    makeAnew: (name, goneUid) =>
      insist(`pod ${name} to be made anew`, async () => {
        const there = await server.request('GET', pathOf(name));
        if (there.status === 200 && there.json.metadata.uid !== goneUid) return there.json.metadata.uid as string;
        return makePod(NAMESPACE, name, NODE);
      }),
    bound: async () => {
      const { items } = (await server.request('GET', BINDINGS)).json as { items: { spec: { state: string } }[] };
      return items.filter(({ spec: { state } }) => state === 'Bound').length;
    },
    close: () => {
      stopRenewing();
      for (const { running } of replicas) running.child.kill('SIGKILL');
    },
  };
}

/** @param tell what went wrong, when it does */
export async function disturb(server: ApiServer, { replicas }: StormWorld, rounds: number, tell: (fault: string) => void): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const replica of replicas) {
      await pause(1_000);
      tell(`replica ${replica.name} is killed`);
      replica.running.child.kill('SIGKILL');
      await replica.running.ended;
      replica.running = await spawnAt(server, replica.socket);
    }
    await pause(2_000);
    const withEtcd = round % 2 === 0;
    tell(withEtcd ? 'API server and etcd are killed' : 'the API server is killed');
    await server.server.kill('SIGKILL');
    if (withEtcd) await server.etcd.kill('SIGKILL').then(() => server.etcd.start());
    server.server.start();
    await server.whenReady();
    tell('the API server is back');
  }
  await pause(2_000);
}

const spawnAt = (server: ApiServer, socket: string): Promise<Started> =>
  spawnController(['--store', 'kubernetes', '--kubeconfig', server.kubeconfig, '--listen', `unix:${socket}`, '--node-name', NODE, '--namespace', NAMESPACE]); // prettier-ignore

async function insist<T>(what: string, work: () => Promise<T | undefined>): Promise<T> {
  let problem: unknown;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    try {
      const result = await work();
      if (result !== undefined) return result;
    } catch (error) {
      problem = error; // the API server is away
    }
    await pause(50);
  }
  throw new Error(`waited in vain for ${what}`, { cause: problem });
}
