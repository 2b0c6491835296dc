/** What every measurement needs: a real API server with custom resources and rights, pods on a node, pools. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiServer, type ApiServer } from '../../support/api-server.ts';
import { eventually } from '../../support/eventually.ts';
import { ask } from '../../support/http.ts';
import { applyPath } from '../../support/kubectl.ts';
import { workloadsOn } from '../../support/workloads-on.ts';
import type { Bound } from '../measure.ts';
import type { Pod } from './bodies.ts';

export const NODE = 'bench-node';
export const BOOT = '11111111-2222-4333-8444-555555555555';
export const POOLS = '/apis/berth-ipam.dev/v1alpha1/addresspools';
export const BINDINGS = '/apis/berth-ipam.dev/v1alpha1/addressbindings';
/** Of deploy/rbac. */
export const NAMESPACE = 'berth';

export interface Stage {
  readonly server: ApiServer;
  readonly folder: string;
  readonly quick: boolean;
  readonly workloads: ReturnType<typeof workloadsOn>;
  /** What must hold; each piece adds its own. */
  readonly bounds: Bound[];
  /** Ended with the stage. */
  readonly children: ChildProcess[];
}

/** A program that is measured. */
export interface Served {
  readonly socket: string;
  readonly child: ChildProcess;
  /** Of its https listener. */
  readonly port?: number;
}

export async function withStage(quick: boolean, play: (stage: Stage) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-cluster-'));
  const server = await startApiServer();
  const children: ChildProcess[] = [];
  try {
    await applyPath(server.kubeconfig, 'deploy/crds');
    await applyPath(server.kubeconfig, 'deploy/rbac');
    const workloads = workloadsOn(server.request);
    await workloads.makeNamespace('bench');
    await workloads.makeNode(NODE, BOOT);
    await play({ server, folder, quick, workloads, bounds: [], children });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Does the work for each, so many at a time. */
export async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) await work(items[index]!, index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export async function makePods({ workloads }: Stage, names: readonly string[], nodeOf: (index: number) => string): Promise<readonly Pod[]> {
  const pods: Pod[] = [];
  await inParallel(names, 32, async (name, index) => {
    const node = nodeOf(index);
    pods[index] = { name, node, uid: await workloads.makePod('bench', name, node) };
  });
  return pods;
}

export async function makePool({ server }: Stage, name: string, cidr: string, network = 'default', more: object = {}): Promise<void> {
  const spec = { ranges: [{ cidr }], network, ...more };
  const answer = await server.request('POST', POOLS, {
    apiVersion: 'berth-ipam.dev/v1alpha1',
    kind: 'AddressPool',
    metadata: { name },
    spec,
  });
  if (answer.status !== 201) throw new Error(answer.text);
  await new Promise((resolve) => setTimeout(resolve, 500)); // Until all replicas have seen it.
}

/** One node may hold a thousand addresses, so each round begins with none. */
export async function empty({ server }: Stage, { socket }: Served): Promise<void> {
  // In pieces: of a hundred thousand the API server does not delete all within the minute that a request has.
  const left = async (): Promise<boolean> => (await server.request('GET', `${BINDINGS}?limit=1`)).json.items.length > 0;
  while (await left()) await server.request('DELETE', `${BINDINGS}?limit=2000`);
  const holdsNothing = async (): Promise<boolean> =>
    (await ask({ socketPath: socket }, 'GET', '/v1/bindings?limit=1')).json.items.length === 0;
  await eventually(holdsNothing, 'the controller to see that all bindings are gone', 60_000);
}
