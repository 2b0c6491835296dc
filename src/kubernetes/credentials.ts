/**
 * Which API server, and as whom: client-node's reading of kubeconfigs, of a pod's service account, of exec plugins and
 * OIDC; not its connections. All calls share one dispatcher as long as what it was made from stays the same, so that
 * a connection is used again. Token and CA files are read again every ten seconds, and at once after a 401 or a failed
 * connection: the kubelet renews them in place (LESSONS 34).
 */
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, ProxyAgent, Socks5ProxyAgent, type Dispatcher } from 'undici';
import type { Clock } from '../core/clock.ts';

/** One state of the credentials; another one is another object. */
export interface Access {
  readonly origin: string;
  /** Of a server that is not at the root of its address; without a slash at the end. */
  readonly pathPrefix: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

export interface Credentials {
  /** The namespace of the context, or of the pod. */
  readonly namespace: string | undefined;
  current(): Promise<Access>;
  /** Reads the files again whatever their age. */
  refresh(): Promise<Access>;
  close(): Promise<void>;
}

export interface CredentialsOptions {
  /** A kubeconfig; else KUBECONFIG, ~/.kube/config, or the service account of the pod this runs in. */
  readonly kubeconfigFile?: string;
  readonly context?: string;
  readonly clock: Clock;
  /** Connections at once; more calls wait for one. */
  readonly connections?: number;
}

type Tls = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'>;

const READ_AGAIN_MS = 10_000;
/** A real server wrote 1,040 small objects a second over 8 connections and 1,350 over 64. */
const CONNECTIONS = 64;
const CONNECT_MS = 5_000;
/** Go servers keep an idle connection for at least 90 s; below that none is used that the server is about to close. */
const KEEP_ALIVE_MS = 60_000;

/** Throws with one sentence when there is no usable configuration. */
export function openCredentials(options: CredentialsOptions): Credentials {
  const config = loadConfig(options);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig has no current context with a cluster');
  const { origin, pathname } = new URL(cluster.server);
  const tokenFile = tokenFileOf(config);
  let shared: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;
  let access: Access | undefined;
  let readAt = -Infinity;
  let reading: Promise<Access> | undefined;

  const read = async (): Promise<Access> => {
    const given: RequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(given);
    const headers: Record<string, string> = {
      'user-agent': 'berth',
      accept: 'application/json',
      ...(given.headers as Record<string, string>),
    };
    // client-node keeps a token file for a minute, line end included.
    if (tokenFile !== undefined) headers['Authorization'] = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
    if (typeof given.auth === 'string') headers['Authorization'] = `Basic ${Buffer.from(given.auth).toString('base64')}`;
    const tls: Tls = pick(given, ['ca', 'cert', 'key', 'pfx', 'passphrase', 'rejectUnauthorized', 'servername']);
    const key = JSON.stringify(tls, (_, value: unknown) => (Buffer.isBuffer(value) ? value.toString('base64') : value));
    if (shared?.key !== key) {
      const old = shared;
      shared = { key, dispatcher: makeDispatcher(cluster.proxyUrl, tls, options.connections ?? CONNECTIONS) };
      void old?.dispatcher.close().catch(() => undefined); // what is under way on it may finish
    }
    readAt = options.clock.monotonic();
    const next: Access = { origin, pathPrefix: pathname.replace(/\/$/, ''), headers, dispatcher: shared.dispatcher };
    const same = access?.dispatcher === next.dispatcher && JSON.stringify(access.headers) === JSON.stringify(next.headers);
    return (access = same && access !== undefined ? access : next);
  };
  const refresh = (): Promise<Access> => (reading ??= read().finally(() => (reading = undefined)));

  return {
    namespace: config.getContextObject(config.currentContext)?.namespace,
    current: async () => (access !== undefined && options.clock.monotonic() - readAt < READ_AGAIN_MS ? access : refresh()),
    refresh,
    close: async () => {
      await shared?.dispatcher.destroy();
    },
  };
}

function loadConfig({ kubeconfigFile, context }: CredentialsOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfigFile === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfigFile);
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}

function tokenFileOf(config: KubeConfig): string | undefined {
  const provider = config.getCurrentUser()?.authProvider as { readonly config?: { readonly tokenFile?: string } } | undefined | null;
  return provider?.config?.tokenFile;
}

function makeDispatcher(proxyUrl: string | undefined, tls: Tls, connections: number): Dispatcher {
  const connect = { ...tls, timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: 30_000 };
  const shared = {
    connections,
    // Over one HTTP/2 connection all calls would share one fate, and a stalled one could not be told from a slow server.
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The client has its own deadlines, and a watch may be silent for a minute.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (!proxyUrl) return new Agent({ ...shared, connect });
  if (proxyUrl.startsWith('socks')) return new Socks5ProxyAgent(proxyUrl, { ...shared, requestTls: connect });
  return new ProxyAgent({ ...shared, uri: proxyUrl, requestTls: connect });
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    names.filter((name) => from[name] !== undefined && from[name] !== null).map((name) => [name, from[name]]),
  ) as Pick<T, K>;
}
