/**
 * The https listener: for plugins of other machines, so only /v1/cni/*, and only with a client certificate that our
 * CA signed; its subject's CN is the node. Certificates are read again on request and every ten seconds, because whoever
 * renews them (cert-manager, certbot, a kubelet's projected volume) does it in place and tells nobody.
 */
import type { IncomingMessage } from 'node:http';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Timers } from '../core/clock.ts';
import type { Log } from '../ipam/ports.ts';
import type { Handler } from './handler.ts';
import { HTTP_OPTIONS, limitServer } from './http-limits.ts';
import { listening } from './listening.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

export interface HttpsListener {
  readonly server: Server;
  /** Reads the files again; a set that does not fit together is logged and the old one kept. */
  reload(): Promise<void>;
  /** Ends the reloading; the server is closed by who closes all of them. */
  stop(): void;
}

const RELOAD_MS = 10_000;

export async function listenOnHttps(
  address: { readonly host: string; readonly port: number },
  files: TlsFiles,
  handler: Handler,
  ports: { readonly timers: Pick<Timers, 'after'>; readonly log: Log },
): Promise<HttpsListener> {
  let current = await readTlsFiles(files);
  const server = createServer(
    { ...HTTP_OPTIONS, ...current, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2', handshakeTimeout: 5_000 },
    handler,
  );
  limitServer(server);
  server.on('tlsClientError', (error: NodeJS.ErrnoException) =>
    ports.log.debug({ detail: error.code ?? error.message }, 'tls handshake failed'),
  );
  await listening(server, address);

  async function reload(): Promise<void> {
    try {
      const next = await readTlsFiles(files);
      if (next.cert === current.cert && next.key === current.key && next.ca === current.ca) return;
      server.setSecureContext(next);
      current = next;
      ports.log.info({ file: files.cert }, 'certificate reloaded');
    } catch (error) {
      ports.log.error({ file: files.cert, detail: (error as Error).message }, 'certificate not reloaded');
    }
  }

  let cancel = ports.timers.after(RELOAD_MS, again);
  function again(): void {
    void reload();
    cancel = ports.timers.after(RELOAD_MS, again);
  }
  return { server, reload, stop: () => cancel() };
}

/** Checked before they are used: Node takes an empty certificate without a word and then serves nobody. */
async function readTlsFiles(files: TlsFiles): Promise<{ cert: string; key: string; ca: string }> {
  const [cert, key, ca] = await Promise.all([readPem(files.cert), readPem(files.key), readPem(files.clientCa)]);
  const own = parsePem(files.cert, 'certificate', () => new X509Certificate(cert));
  const privateKey = parsePem(files.key, 'private key', () => createPrivateKey(key));
  parsePem(files.clientCa, 'certificate', () => new X509Certificate(ca));
  if (!own.checkPrivateKey(privateKey)) throw new Error(`the key in ${files.key} does not belong to the certificate in ${files.cert}`);
  return { cert, key, ca };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}

function parsePem<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${path} holds no ${what} in PEM form`, { cause: error });
  }
}

/** A node's name is a DNS name (RFC 1123), so anything else in a CN is not one. */
const NODE_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const nodeOf = new WeakMap<TLSSocket, string | undefined>();

/** The node a connection's certificate names; asked once per connection, because parsing a certificate is slow. */
export function nodeFromCertificate(request: IncomingMessage): string | undefined {
  const socket = request.socket as TLSSocket;
  if (!nodeOf.has(socket)) {
    const name: unknown = socket.getPeerCertificate()?.subject?.CN;
    nodeOf.set(socket, typeof name === 'string' && NODE_NAME.test(name) ? name : undefined);
  }
  return nodeOf.get(socket);
}
