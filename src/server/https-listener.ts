/**
 * The https listener: for plugins of other machines, so only /v1/cni/*. Its certificate is read again on request and
 * every ten seconds, because whoever renews it (cert-manager, certbot, the controllers' own CA) tells nobody.
 */
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { Timers } from '../core/clock.ts';
import type { Log } from '../ipam/ports.ts';
import type { Handler } from './handler.ts';
import { HTTP_OPTIONS, limitServer, MOST_CONNECTIONS } from './http-limits.ts';
import { listening } from './listening.ts';
import { limitSources } from './source-limits.ts';

/** Texts in PEM form. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  /** Who signs the clients' certificates; absent: clients show none. */
  readonly ca?: string;
}

export interface TlsSource {
  /** For the log: where it comes from. */
  readonly from: string;
  /** Throws with one sentence for what does not fit together. */
  read(): Promise<TlsMaterial>;
}

export interface HttpsListener {
  readonly server: Server;
  /** Reads the source again; what does not fit together is logged and the old kept. */
  reload(): Promise<void>;
  /** Ends the reloading; the server is closed by who closes all of them. */
  stop(): void;
}

const RELOAD_MS = 10_000;

/**
 * A plugin gives its handshake a second. Beyond as many as are surely done by then (one takes about a millisecond),
 * whoever comes is turned away at once, before anything is spent on them, and tries again; or all of them would be served
 * too late, again and again: 5,000 at once were never let in.
 */
const MOST_HANDSHAKES = 256;
/** A quarter and an eighth: a node has no more calls under way, in its worst moment. */
const OF_ONE_SOURCE = { handshakes: MOST_HANDSHAKES / 4, connections: MOST_CONNECTIONS / 8 };
/** Nobody waits longer than a second for it. */
const HANDSHAKE_MS = 2_000;

export async function listenOnHttps(
  address: { readonly host: string; readonly port: number },
  source: TlsSource,
  handler: Handler,
  ports: { readonly timers: Pick<Timers, 'after'>; readonly log: Log },
): Promise<HttpsListener> {
  let current = await source.read();
  const asksForCertificate = current.ca !== undefined;
  const server = createServer(
    {
      ...HTTP_OPTIONS,
      ...current,
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS,
    },
    handler,
  );
  limitServer(server);
  limitHandshakes(server);
  limitSources(server, OF_ONE_SOURCE);
  server.on('tlsClientError', (error: NodeJS.ErrnoException) =>
    ports.log.debug({ detail: error.code ?? error.message }, 'tls handshake failed'),
  );
  await listening(server, address);

  async function reload(): Promise<void> {
    try {
      const next = await source.read();
      if (next.cert === current.cert && next.key === current.key && next.ca === current.ca) return;
      server.setSecureContext(next);
      // What another authority has signed is nobody's any more; whoever has a good certificate comes again.
      if (next.ca !== current.ca) server.closeAllConnections();
      current = next;
      ports.log.info({ file: source.from }, 'certificate reloaded');
    } catch (error) {
      ports.log.error({ file: source.from, detail: (error as Error).message }, 'certificate not reloaded');
    }
  }

  let cancel = ports.timers.after(RELOAD_MS, again);
  function again(): void {
    void reload();
    cancel = ports.timers.after(RELOAD_MS, again);
  }
  return { server, reload, stop: () => cancel() };
}

/** Node drops a connection beyond maxConnections without a word, which may change at any time. */
function limitHandshakes(server: Server): void {
  let secured = 0;
  const limit = (change: number): void => {
    secured += change;
    server.maxConnections = Math.min(MOST_CONNECTIONS, secured + MOST_HANDSHAKES);
  };
  limit(0);
  server.on('secureConnection', (socket) => {
    limit(1);
    socket.once('close', () => limit(-1));
  });
}
