/** Puts the plugin and its identity on the node, so that a runtime that calls it at any moment finds the old or the new one. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Settings } from './settings.ts';

export const PLUGIN = 'berth';
export const LINK = 'identity';

/** Something on the node is not as it must be; the message says what to do. */
export class InstallFailure extends Error {
  override readonly name = 'InstallFailure';
}

/**
 * Copies the executable (written under a hidden name, synced, renamed) and points RUN/identity at this pod's volume on
 * the node. Returns whether the executable had to be copied. Throws InstallFailure when the token cannot be read back
 * through the link: the kubelet's root is another.
 */
export function install(settings: Settings): { readonly copied: boolean } {
  const copied = copyPlugin(settings);
  verifyIdentity(settings);
  pointNode(settings);
  return { copied };
}

/** All of it, for a pod whose identity has been verified. */
export function putOnNode(settings: Settings): void {
  copyPlugin(settings);
  pointNode(settings);
}

function pointNode(settings: Settings): void {
  pointAt(join(settings.runFolder, LINK), settings.identityOnNode);
  putNetworkList(settings);
}

function copyPlugin({ plugin, cniBinFolder }: Settings): boolean {
  const wanted = readFileSync(plugin);
  const target = join(cniBinFolder, PLUGIN);
  removeUnfinished(cniBinFolder);
  if (read(target)?.equals(wanted)) return false;
  // A runtime takes every file of the folder for a plugin: a hidden one is asked for by nobody.
  // Named by the time: in its container each installer is process 1.
  const unfinished = join(cniBinFolder, `.${PLUGIN}.${Date.now()}.unfinished`);
  writeSynced(unfinished, wanted, 0o755);
  renameSync(unfinished, target);
  sync(cniBinFolder);
  return true;
}

/** The node sees the volume under the kubelet's root; this container has that folder mounted at the same path. */
function verifyIdentity({ identityFolder, identityOnNode }: Settings): void {
  const mine = read(join(identityFolder, 'token'));
  if (mine === undefined) throw new InstallFailure(`there is no token in ${identityFolder}`);
  const nodes = read(join(identityOnNode, 'token'));
  if (nodes === undefined)
    throw new InstallFailure(
      `the token cannot be read at ${identityOnNode}: the kubelet's root is another one; set kubelet.root to its --root-dir`,
    );
  if (!nodes.equals(mine)) throw new InstallFailure(`the token at ${identityOnNode} is not this pod's`);
}

export function pointAt(link: string, target: string): void {
  mkdirSync(join(link, '..'), { recursive: true });
  const unfinished = `${link}.${process.pid}.unfinished`;
  rmSync(unfinished, { force: true });
  symlinkSync(target, unfinished);
  renameSync(unfinished, link);
}

/** Last: a node with a network list is ready for pods. */
function putNetworkList({ networkList }: Settings): void {
  if (networkList === undefined) return;
  const wanted = readFileSync(networkList.from);
  if (read(networkList.to)?.equals(wanted)) return;
  // Runtimes read what ends in .conflist, .conf or .json.
  const unfinished = `${networkList.to}.unfinished`;
  writeSynced(unfinished, wanted, 0o644);
  renameSync(unfinished, networkList.to);
  sync(dirname(networkList.to));
}

/** Removes plugin and link, unless another pod's installer has pointed the link at itself. Returns whether it did. */
export function uninstall({ runFolder, cniBinFolder, identityOnNode, networkList }: Settings): boolean {
  const link = join(runFolder, LINK);
  if (linkTarget(link) !== identityOnNode) return false;
  // First: without a list the runtime says that the node is not ready, and starts no pod that would fail. One that
  // somebody has edited since is theirs.
  const ours = networkList && read(networkList.from);
  if (networkList && ours && read(networkList.to)?.equals(ours)) rmSync(networkList.to, { force: true });
  rmSync(link, { force: true });
  rmSync(join(cniBinFolder, PLUGIN), { force: true });
  return true;
}

export function linkTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

/** What an installer left that was killed half-way. */
function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (/^\.berth\.\d+\.unfinished$/.test(name)) rmSync(join(folder, name), { force: true });
  }
}

function writeSynced(path: string, content: Buffer, mode: number): void {
  writeFileSync(path, content, { mode });
  sync(path);
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
