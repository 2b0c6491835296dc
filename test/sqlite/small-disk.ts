/** A small file system of its own for one child process, in a mount namespace that ends with it. Needs root (or user namespaces) on Linux. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const UNSHARE = process.getuid?.() === 0 ? ['-m'] : ['-rm'];

export const canMount = spawnSync('unshare', [...UNSHARE, 'sh', '-c', 'mount -t tmpfs tmpfs /mnt']).status === 0;

/** Runs a script of this folder with `folder` being an empty tmpfs of that size, and further arguments; what it prints is JSON. */
export const runOnSmallDisk = (script: string, folder: string, kibibytes: number, ...args: readonly string[]): unknown =>
  runMounted(`mount -t tmpfs -o size=${kibibytes}k tmpfs "$0" && exec "$@"`, script, folder, args);

/** Runs it with `folder` as it is, but read-only. */
export const runOnReadOnlyDisk = (script: string, folder: string): unknown =>
  runMounted('mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"', script, folder, []);

function runMounted(command: string, script: string, folder: string, args: readonly string[]): unknown {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawnSync('unshare', [...UNSHARE, 'sh', '-c', command, folder, process.execPath, file, folder, ...args], {
    encoding: 'utf8',
  });
  if (child.status !== 0) throw new Error(`${script}: exit code ${child.status}, signal ${child.signal}\n${child.stderr}`);
  return JSON.parse(child.stdout);
}
