/** A real HTTPS server in front of a pretended API server, for tests of the client's own connections. */
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { HttpRequest, Transport } from '../../../src/kubernetes/transport.ts';
import type { Pair } from '../certificates.ts';

export interface Listener {
  readonly url: string;
  /** TLS connections accepted so far. */
  connections(): number;
  /** Requests by the value of their Authorization header. */
  readonly authorizations: string[];
  /** Shows another certificate to whoever connects from now on, and ends the connections there are. */
  present(certificate: Pair): void;
  close(): Promise<void>;
}

export interface ListenerOptions {
  readonly transport: Transport;
  readonly certificate: Pair;
  /** Others get a 401; everybody may unless said. */
  readonly accepts?: (authorization: string) => boolean;
}

export async function listenPretended({ transport, certificate, accepts = () => true }: ListenerOptions): Promise<Listener> {
  const authorizations: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
    const authorization = request.headers.authorization ?? '';
    authorizations.push(authorization);
    void (accepts(authorization) ? pass(transport, request, response) : refuse(request, response));
  });
  server.on('secureConnection', (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    authorizations,
    present: ({ cert, key }) => {
      server.setSecureContext({ cert, key });
      drop();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        drop();
      }),
  };
}

async function refuse(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await text(request);
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  };
  response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}

/** A transport that fails without an answer breaks the connection, as it says. */
async function pass(transport: Transport, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const left = new AbortController();
  response.on('close', () => left.abort());
  const contentType = request.headers['content-type'];
  const asked: HttpRequest = {
    method: request.method as HttpRequest['method'],
    path: request.url ?? '/',
    ...(body !== '' && { body }),
    ...(contentType !== undefined && { contentType }),
  };
  try {
    const answer = await transport(asked, left.signal);
    response.writeHead(answer.status, answer.headers).flushHeaders();
    for await (const piece of answer.body) response.write(piece);
    response.end();
  } catch {
    response.destroy();
  }
}
