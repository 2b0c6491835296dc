/** The suites' own cluster: processes in namespaces of this machine. Started from nothing, and taken away again: also what a run that was cut off has left. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { must } from '../../cmd/dev/execute.ts';
import { restartControlPlaneProgram, startControlPlane } from './control-plane.ts';
import { writeCredentials } from './credentials.ts';
import { at, FOLDER, NODES, program } from './layout.ts';
import { addNetwork, removeNetwork, setUplink } from './network.ts';
import { staticPodFile } from './node-files.ts';
import { endOnNode, firstProcessOf, removeCgroups, startNode, startOnNode, stopNode, writeNodeFiles } from './own-node.ts';
import { daemons, endDaemon } from './processes.ts';
import type { Log, Provider } from './provider.ts';

async function up(log: Log, makeImages: () => Promise<string[]>): Promise<void> {
  await down();
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  await writeCredentials();
  await addNetwork();
  log('control plane …');
  const [images] = await Promise.all([makeImages(), startControlPlane()]);
  log('nodes …');
  for (const node of NODES) writeNodeFiles(node);
  await Promise.all(NODES.map((node) => startNode(node, images)));
}

async function down(): Promise<void> {
  if (!existsSync(FOLDER)) return;
  for (const name of daemons()) await endDaemon(name);
  for (const node of NODES) await removeCgroups(node);
  await removeNetwork();
  // What a node had mounted went with its namespaces; whatever else is mounted here is not to be removed with it.
  await must('rm', ['-rf', '--one-file-system', FOLDER], { deadlineSeconds: 120 });
}

export const own: Provider = {
  up,
  down,
  machines: NODES,
  firstProcessOf,
  ctr: () => program('ctr'),
  startNode: (node) => startNode(node),
  stopNode,
  startOnNode,
  endOnNode,
  setUplink,
  restartControlPlaneProgram,
  containerdLog: (node) => Promise.resolve(readFileSync(at('logs', `${node}-containerd.log`), 'utf8')),
  staticPodFile,
};
