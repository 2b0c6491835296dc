/**
 * A real kube-apiserver on a real etcd, on loopback: what `npm run setup:cluster` made, started in a temporary folder
 * with certificates and keys of its own. RBAC, TokenRequest, NodeRestriction and ValidatingAdmissionPolicies are as in
 * a cluster; there is no controller manager, so a namespace has no default service account until a test makes one.
 * Ready in about four seconds of an idle machine.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../cmd/dev/cluster/programs.ts';
import { writeCredentials, type Credentials } from './api-server-credentials.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { ask, type HttpAnswer } from './http.ts';
import { startProcess, type OwnProcess } from './own-process.ts';

/** Of the programs it takes, those that are not there: a sentence that names them, or undefined. */
export function missingForApiServer(): string | undefined {
  const missing = ['kube-apiserver', 'etcd', 'kubectl'].filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `no ${missing.join(', ')}: npm run setup:cluster`;
}

/** What another process needs to talk to it; JSON. */
export interface ApiServerAddress {
  readonly url: string;
  readonly port: number;
  /** In group system:masters: may do everything. */
  readonly adminToken: string;
  /** Paths of files. */
  readonly kubeconfig: string;
  readonly caFile: string;
  /** Everything of it lies here, and goes with it. */
  readonly directory: string;
}

export interface ApiServer extends ApiServerAddress {
  /** As the administrator, or as whom `headers` (authorization, impersonate-user) says. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<HttpAnswer>;
  /** For faults: pid(), kill(signal), start(). After a start, whenReady. */
  readonly etcd: OwnProcess;
  readonly server: OwnProcess;
  /** http, without a password. */
  readonly etcdUrl: string;
  whenReady(): Promise<void>;
  /** Ends both and removes the folder. */
  stop(): Promise<void>;
}

export async function startApiServer(): Promise<ApiServer> {
  const directory = mkdtempSync(join(tmpdir(), 'berth-api-server-'));
  try {
    return await startIn(directory);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(directory: string): Promise<ApiServer> {
  const [port, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()];
  const credentials = await writeCredentials(directory, port);
  const etcd = startProcess(program('etcd'), etcdFlags(directory, etcdPort, peerPort), join(directory, 'etcd.log'));
  const server = startProcess(
    program('kube-apiserver'),
    serverFlags(directory, credentials, port, etcdPort),
    join(directory, 'kube-apiserver.log'),
  );
  const ca = readFileSync(credentials.caFile);
  const request: ApiServer['request'] = (method, path, body, headers) =>
    ask({ host: '127.0.0.1', port, ca }, method, path, body, { authorization: `Bearer ${credentials.adminToken}`, ...headers });

  const whenReady = async (): Promise<void> => {
    const ready = async (): Promise<boolean> => {
      const ended = [etcd, server].find((process) => !process.running());
      if (ended) throw new Error(`${ended.name} did not start:\n${ended.lastWords()}`);
      return (await request('GET', '/readyz').catch(() => undefined))?.status === 200;
    };
    await eventually(ready, 'kube-apiserver to be ready', 120_000);
  };
  const stop = async (): Promise<void> => {
    await server.kill('SIGKILL');
    await etcd.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await whenReady();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    directory,
    ...credentials,
    request,
    etcd,
    etcdUrl: `http://127.0.0.1:${etcdPort}`,
    server,
    whenReady,
    stop,
  };
}

function program(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`there is no ${name}: npm run setup:cluster`);
  return path;
}

function etcdFlags(directory: string, port: number, peerPort: number): string[] {
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  return [
    `--data-dir=${join(directory, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ];
}

function serverFlags(directory: string, credentials: Credentials, port: number, etcdPort: number): string[] {
  mkdirSync(join(directory, 'certificates'));
  const tokens = join(directory, 'tokens.csv');
  writeFileSync(tokens, `${credentials.adminToken},admin,admin,system:masters\n`, { mode: 0o600 });
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none', // the API server's own endpoint may not be a loopback address
    `--secure-port=${port}`,
    `--cert-dir=${join(directory, 'certificates')}`,
    `--tls-cert-file=${credentials.certificateFile}`,
    `--tls-private-key-file=${credentials.keyFile}`,
    `--token-auth-file=${tokens}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true', // as in every cluster that runs node agents
    '--enable-admission-plugins=NodeRestriction',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${credentials.serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--profiling=false',
  ];
}
