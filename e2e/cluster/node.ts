/** The nodes of the cluster, whoever made it. */
import type { Finished } from '../../cmd/dev/execute.ts';
import { importInside, installInside, pathInside, runInside, tryInside, writeInside } from './inside.ts';
import type { NodeName } from './layout.ts';
import { provider } from './provider.ts';

export const { startNode, stopNode, startOnNode, endOnNode, setUplink, containerdLog, restartControlPlaneProgram, staticPodFile } =
  provider;

/** Runs a program on the node to its end. */
export const onNode = async (node: NodeName, command: readonly string[]): Promise<string> =>
  runInside(await provider.firstProcessOf(node), command);

export const tryOnNode = async (node: NodeName, command: readonly string[]): Promise<Finished> =>
  tryInside(await provider.firstProcessOf(node), command);

export const writeOnNode = async (node: NodeName, path: string, content: string): Promise<string> =>
  writeInside(await provider.firstProcessOf(node), path, content);

/** An executable of this machine. */
export const installOnNode = async (node: NodeName, file: string, path: string): Promise<void> =>
  installInside(await provider.firstProcessOf(node), file, path);

/** Where a program of this machine finds a node's file. */
export const pathOnNode = async (node: NodeName, path: string): Promise<string> => pathInside(await provider.firstProcessOf(node), path);

/** On every machine that runs pods. */
export async function importImage(archive: string): Promise<void> {
  for (const machine of provider.machines) await importInside(await provider.firstProcessOf(machine), provider.ctr(), archive);
}
