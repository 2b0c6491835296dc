/** When each pod of a namespace was first seen, and when it was Running: by the arrival of a watch's events, to the millisecond. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CONTROL_PLANE, kubeconfig, netnsPath, program } from '../cluster/layout.ts';
import type { Pod } from './cluster.ts';

export interface PodTimes {
  /** By pod name, milliseconds. */
  readonly creationToRunning: ReadonlyMap<string, number>;
  stop(): void;
}

export function watchPods(namespace: string): PodTimes {
  const path = `/api/v1/namespaces/${namespace}/pods?watch=1&timeoutSeconds=3600`;
  const args = [`--net=${netnsPath(CONTROL_PLANE)}`, program('kubectl'), `--kubeconfig=${kubeconfig('admin')}`, 'get', '--raw', path];
  const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const created = new Map<string, number>();
  const creationToRunning = new Map<string, number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const now = performance.now();
    const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Pod };
    const { name } = object.metadata;
    if (type === 'ADDED') created.set(name, now);
    else if (object.status.phase === 'Running' && created.has(name) && !creationToRunning.has(name))
      creationToRunning.set(name, now - created.get(name)!);
  });
  return { creationToRunning, stop: () => child.kill() };
}
