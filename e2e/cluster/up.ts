/** Starts the cluster from nothing, and takes it away again: also what a run that was cut off has left. */
import { existsSync, mkdirSync } from 'node:fs';
import { must } from '../../cmd/dev/execute.ts';
import { eventually } from '../../test/support/eventually.ts';
import { startControlPlane } from './control-plane.ts';
import { writeCredentials } from './credentials.ts';
import { buildPodImages } from './images.ts';
import { FOLDER, NODES } from './layout.ts';
import { kubectl } from './kubectl.ts';
import { addNetwork, removeNetwork } from './network.ts';
import { removeCgroups, startNode, writeNodeFiles } from './node.ts';
import { daemons, endDaemon } from './processes.ts';

export async function up(log: (line: string) => void, moreImages: (log: (line: string) => void) => Promise<string[]>): Promise<void> {
  await down();
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  await writeCredentials();
  await addNetwork();
  log('control plane …');
  const [images] = await Promise.all([(async () => [...(await buildPodImages()), ...(await moreImages(log))])(), startControlPlane()]);
  log('nodes …');
  for (const node of NODES) writeNodeFiles(node);
  await Promise.all(NODES.map((node) => startNode(node, images)));
  await nodesReady();
}

export const nodesReady = (): Promise<unknown> =>
  eventually(
    async () => {
      const { stdout } = await kubectl([
        'get',
        'nodes',
        '-o',
        'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}',
      ]);
      return (
        stdout
          .trim()
          .split(' ')
          .filter((status) => status === 'True').length === NODES.length
      );
    },
    'all nodes to be Ready',
    120_000,
  );

export async function down(): Promise<void> {
  if (!existsSync(FOLDER)) return;
  for (const name of daemons()) await endDaemon(name);
  for (const node of NODES) await removeCgroups(node);
  await removeNetwork();
  // What a node had mounted went with its namespaces; whatever else is mounted here is not to be removed with it.
  await must('rm', ['-rf', '--one-file-system', FOLDER], { deadlineSeconds: 120 });
}
