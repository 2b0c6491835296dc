/** What one caller may cost: the same bounds on the socket and on https. */
import type { Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import { httpProblem } from './problem.ts';

/** A slow caller holds a connection for seconds, not for ever; checked every second. */
export const HTTP_OPTIONS: ServerOptions = {
  headersTimeout: 5_000,
  requestTimeout: 20_000,
  /** The CLI and other clients keep theirs; a plugin's ends with its process. */
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8 * 1024,
  noDelay: true,
};

export const MOST_CONNECTIONS = 2_048;

const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};

/** Bounds a server, and answers what Node's parser refuses with a problem like any other refusal. */
export function limitServer(server: Server): void {
  server.maxConnections = MOST_CONNECTIONS;
  server.maxHeadersCount = 100;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // A handshake that took too long, perhaps because this process was busy, is no bad request: whoever it is comes again.
    const isNobody = error.code === 'ECONNRESET' || error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT';
    if (isNobody || !socket.writable) return void socket.destroy();
    const status = STATUS_OF_ERROR[error.code ?? ''] ?? 400;
    const title = STATUS_CODES[status] ?? 'Bad Request';
    const body = `${JSON.stringify(httpProblem(status, title, DETAILS[status] ?? 'This is not HTTP/1.1.'))}\n`;
    const head = [
      `HTTP/1.1 ${status} ${title}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  });
}

const DETAILS: Readonly<Record<number, string>> = {
  408: 'The request did not arrive in time.',
  413: 'A chunk extension is too large.',
  431: 'The headers are larger than 8 KiB.',
};
