/** The controller's outside as one thing: listeners in, operations behind, a stop that loses no answer. */
import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import type { Timers } from '../core/clock.ts';
import { done } from '../core/refusal.ts';
import type { Operations } from '../ipam/operations.ts';
import type { Log } from '../ipam/ports.ts';
import { bindingRoutes } from './binding-routes.ts';
import { cniRoutes } from './cni-routes.ts';
import { createEventStreams } from './events.ts';
import { createHandler, type Door } from './handler.ts';
import { nodeFromToken, type NodeOfToken } from './bearer-token.ts';
import { nodeFromCertificate, tlsFromFiles, type TlsFiles } from './client-certificate.ts';
import { listenOnHttps, type HttpsListener, type TlsSource } from './https-listener.ts';
import type { ListenAddress } from './listen-address.ts';
import { createMetrics } from './metrics.ts';
import type { MetricsSources, StoreCounters } from './metrics.ts';
import { poolRoutes } from './pool-routes.ts';
import { NAMED, NAMED_FREELY, RateLimit } from './rate-limit.ts';
import { createRouter } from './router.ts';
import { createServiceRoutes } from './service-routes.ts';
import type { Service } from './service-routes.ts';
import { listenOnUnixSocket } from './unix-listener.ts';

export interface ServerPorts {
  readonly operations: Operations;
  readonly timers: Timers;
  readonly log: Log;
  readonly version: string;
  readonly store: Service['store'];
  readonly counters?: () => StoreCounters;
  readonly waiting?: MetricsSources['waiting'];
  readonly collecting?: NonNullable<MetricsSources['collecting']>;
  readonly staleSeconds?: NonNullable<MetricsSources['staleSeconds']>;
  readonly backup?: NonNullable<Service['backup']>;
  /** The name of this machine: who calls on the socket runs here. */
  readonly node: string;
}

/** How the controllers of a cluster show who they are, and know who asks. */
export interface Identity {
  readonly tls: TlsSource;
  readonly nodeOfToken: NodeOfToken;
  /** Who may read the metrics: the user that a token is of. */
  readonly readerOfToken: NodeOfToken;
}

export interface ListenOptions {
  readonly socketMode: number;
  /** For https, one of the two. */
  readonly tls?: TlsFiles;
  readonly identity?: Identity;
  /** The metrics and nothing else, on https and with an identity; absent: what plugins ask for. */
  readonly metricsOnly?: boolean;
}

export interface BerthServer {
  /** Throws SocketInUse, or what the system says (EADDRINUSE, EACCES, …). Resolves to the address in use: a port of 0 becomes a real one. */
  listen(address: ListenAddress, options: ListenOptions): Promise<ListenAddress>;
  reloadCertificates(): Promise<void>;
  /** Stops accepting, ends the event streams, finishes what is under way, at most for `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export function createBerthServer(ports: ServerPorts): BerthServer {
  const { operations, timers, log } = ports;
  const servers: HttpServer[] = [];
  const secure: HttpsListener[] = [];
  const events = createEventStreams(timers);
  const calls = new RateLimit(timers);
  const named = new RateLimit(timers, NAMED);
  let connections = 0;
  let running = true;

  const metrics = createMetrics({
    operations,
    version: ports.version,
    store: ports.store,
    counters: () => ports.counters?.(),
    connections: () => connections,
    eventStreams: events.open,
    waiting: () => ports.waiting?.() ?? { add: 0, del: 0 },
    ...(ports.collecting && { collecting: ports.collecting }),
    ...(ports.staleSeconds && { staleSeconds: ports.staleSeconds }),
  });
  const asked = [...cniRoutes, ...poolRoutes, ...bindingRoutes];
  const service: Service = {
    version: ports.version,
    store: ports.store,
    metrics,
    events,
    running: () => running,
    ...(ports.backup && { backup: ports.backup }),
  };
  const router = createRouter([...asked, ...createServiceRoutes(service, asked)]);
  const handlerPorts = { operations, router, metrics, log, monotonic: () => timers.monotonic(), running: () => running };

  async function listen(address: ListenAddress, options: ListenOptions): Promise<ListenAddress> {
    const opened = address.kind === 'unix' ? await openUnix(address, options) : await openHttps(address, options);
    opened.server.on('connection', (socket) => {
      connections += 1;
      socket.once('close', () => (connections -= 1));
    });
    servers.push(opened.server);
    log.info({ listen: addressText(opened.address) }, 'listening');
    return opened.address;
  }

  async function openUnix(address: ListenAddress & { kind: 'unix' }, { socketMode }: ListenOptions) {
    const handler = createHandler(handlerPorts, { serves: () => true, node: () => done(ports.node) });
    return { address, server: await listenOnUnixSocket(address.path, socketMode, handler) };
  }

  async function openHttps(address: ListenAddress & { kind: 'https' }, options: ListenOptions) {
    const { tls, identity } = options;
    const source = identity?.tls ?? (tls && tlsFromFiles(tls));
    if (!source) throw new Error('https needs a certificate, and a way to know who asks');
    const handler = createHandler(handlerPorts, options.metricsOnly ? metricsDoor(identity) : pluginDoor(identity));
    const listener = await listenOnHttps(address, source, handler, { timers, log });
    secure.push(listener);
    const bound = listener.server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : address.port;
    return { address: { ...address, port }, server: listener.server as unknown as HttpServer };
  }

  function pluginDoor(identity: Identity | undefined): Door {
    const whoAsks = identity ? nodeFromToken(identity.nodeOfToken) : nodeFromCertificate(() => timers.now());
    return {
      serves: ({ face }) => face === 'cni',
      node: async (request) => {
        const known = await whoAsks(request);
        return known.ok ? calls.admit(known.value) : known;
      },
      admit: (node, count) => (count > NAMED_FREELY ? named.admit(node, count) : done(node)),
    };
  }

  function metricsDoor(identity: Identity | undefined): Door {
    if (!identity) throw new Error('metrics on https need a way to know who asks');
    return { serves: ({ verb }) => verb === 'metrics', node: nodeFromToken(identity.readerOfToken) };
  }

  async function close(graceMs: number): Promise<void> {
    running = false;
    for (const listener of secure) listener.stop();
    const closed = servers.map(closeServer);
    events.endAll();
    let cancel = (): void => undefined;
    const patience = new Promise<void>((resolve) => (cancel = timers.after(graceMs, resolve)));
    await Promise.race([Promise.all(closed), patience]);
    cancel();
    for (const server of servers) server.closeAllConnections();
    await Promise.all(closed);
  }

  return {
    listen,
    reloadCertificates: async () => {
      await Promise.all(secure.map((listener) => listener.reload()));
    },
    close,
  };
}

/** Node closes idle connections with the server, and a unix socket's file too. */
async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

export const addressText = (address: ListenAddress): string =>
  address.kind === 'unix'
    ? `unix:${address.path}`
    : `https://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
