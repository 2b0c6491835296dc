/** The programs that are measured, as processes of their own, and what the kernel knows of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { ask } from '../../support/http.ts';
import { NAMESPACE, NODE, type Served, type Stage } from './stage.ts';

export interface StartOptions {
  /** Also listens on https, for who has a node's token. */
  readonly https?: boolean;
}

/** Ready when it returns. */
export async function startController(stage: Stage, name: string, { https = false }: StartOptions = {}): Promise<Served> {
  const socket = join(stage.folder, `${name}.sock`);
  const port = https ? await freePort() : undefined;
  const listen = ['--listen', `unix:${socket}`, ...(https ? ['--listen', `https://127.0.0.1:${port}`] : [])];
  const flags = ['--store', 'kubernetes', '--kubeconfig', stage.server.kubeconfig, ...listen, '--node-name', NODE];
  const child = spawn(process.execPath, ['dist/berth-controller.mjs', ...flags, '--namespace', NAMESPACE, '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  stage.children.push(child);
  const isReady = async (): Promise<boolean> =>
    (await ask({ socketPath: socket }, 'GET', '/readyz').catch(() => undefined))?.status === 200;
  await eventually(isReady, 'the controller to be ready', 120_000);
  if (port !== undefined) await eventually(() => answersOn(stage, port), 'the controller to listen on https', 60_000);
  return { socket, child, ...(port !== undefined && { port }) };
}

export async function startRelay(stage: Stage, name: string): Promise<Served> {
  const socket = join(stage.folder, `relay-${name}.sock`);
  const child = spawn(process.execPath, ['test/bench/relay.ts', socket, stage.server.kubeconfig], { stdio: ['ignore', 'pipe', 'inherit'] });
  stage.children.push(child);
  await once(child.stdout!, 'data');
  return { socket, child };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** What nodes are told of the controllers' CA; empty while nothing is published. */
export async function authorityOf({ server }: Stage): Promise<string> {
  const { json } = await server.request('GET', `/api/v1/namespaces/${NAMESPACE}/configmaps/berth-identity`);
  return (json.data?.['ca.crt'] as string | undefined) ?? '';
}

async function answersOn(stage: Stage, port: number): Promise<boolean> {
  const ca = await authorityOf(stage);
  if (ca === '') return false;
  const target = { host: '127.0.0.1', port, ca, agent: false, checkServerIdentity: () => undefined } as const;
  return ask(target, 'GET', '/').then(
    () => true,
    () => false,
  );
}

/** User and system time of the process, from the kernel. */
export function cpuSeconds({ child }: Served): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory in MiB: the most there ever was, and now. */
export function memory({ child }: Served): { readonly peak: number; readonly now: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
  return { peak: of('VmHWM'), now: of('VmRSS') };
}
