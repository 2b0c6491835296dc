/** The real kubectl, with a home of its own: nothing of the user's configuration counts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { findProgram } from '../../cmd/dev/cluster/programs.ts';

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function kubectl(kubeconfig: string, args: readonly string[], input = ''): Promise<KubectlResult> {
  const program = findProgram('kubectl');
  if (program === undefined) throw new Error('there is no kubectl: npm run setup:cluster');
  const env = { PATH: process.env['PATH'] ?? '', HOME: dirname(kubeconfig), KUBECONFIG: kubeconfig };
  const child = spawn(program, args, { env, stdio: 'pipe' });
  child.stdin.on('error', () => undefined); // it may end before it has read all
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number]>]);
  return { code, stdout, stderr };
}

/** Applies a file or folder, and waits until custom resources in it are served. Throws with kubectl's own words. */
export async function applyPath(kubeconfig: string, path: string): Promise<void> {
  const applied = await kubectl(kubeconfig, ['apply', '--server-side', '-f', path, '-o', 'name']);
  if (applied.code !== 0) throw new Error(`kubectl apply -f ${path}: ${applied.stderr}`);
  const definitions = applied.stdout.split('\n').filter((name) => name.startsWith('customresourcedefinition'));
  if (definitions.length === 0) return;
  const waited = await kubectl(kubeconfig, ['wait', '--for=condition=Established', '--timeout=60s', ...definitions]);
  if (waited.code !== 0) throw new Error(`kubectl wait: ${waited.stderr}`);
}
