/** --tls-cert, --tls-key and --client-ca: a node is who its certificate says, which our CA signed. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import type { TlsMaterial, TlsSource } from './https-listener.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

export const tlsFromFiles = (files: TlsFiles): TlsSource => ({ from: files.cert, read: () => readTlsFiles(files) });

/** Checked before they are used: Node takes an empty certificate without a word and then serves nobody. */
async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
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

interface Shown {
  readonly node: string | undefined;
  /** Wall clock, milliseconds. */
  readonly notAfter: number;
}

/**
 * The node a connection's certificate names; asked once per connection, because parsing a certificate is slow. TLS looks at
 * its end only when the connection is made, and one that is kept in use would outlive it. @param now wall clock, milliseconds
 */
export function nodeFromCertificate(now: () => number): (request: IncomingMessage) => Outcome<string> {
  const shown = new WeakMap<TLSSocket, Shown>();
  return (request) => {
    const socket = request.socket as TLSSocket;
    const { node, notAfter } = shown.get(socket) ?? readShown(socket);
    shown.set(socket, { node, notAfter });
    if (node === undefined) return refuse('NotAllowed', 'The client certificate names no node: its subject needs exactly one CN.');
    return now() <= notAfter ? done(node) : refuse('Unauthenticated', 'The client certificate has ended since this connection was made.');
  };
}

function readShown(socket: TLSSocket): Shown {
  const certificate = socket.getPeerCertificate();
  const name: unknown = certificate?.subject?.CN;
  return {
    node: typeof name === 'string' && NODE_NAME.test(name) ? name : undefined,
    notAfter: Date.parse(certificate?.valid_to ?? ''),
  };
}
