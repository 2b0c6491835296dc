/**
 * A controller that is not one: it answers on a unix socket (or over TLS) as a test tells it to, and remembers what it
 * was asked. For the faults a real one does not have on demand: slow, hanging, nonsense, half and huge answers.
 */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface Asked {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** A status and a JSON body; or raw bytes after which the connection closes; or nothing, ever. */
export type Reply =
  | { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>>; readonly afterMs?: number }
  | { readonly raw: string }
  | 'hang';

export interface PretendedController {
  readonly asked: Asked[];
  /** For the next calls; the last one stays. */
  replies: ((asked: Asked) => Reply)[];
  readonly port: number;
  close(): Promise<void>;
}

/** One IPv4 address, as the real one answers. */
export const oneAddress: Reply = {
  status: 200,
  body: { addresses: [{ address: '10.9.0.5/24', gateway: '10.9.0.1', pool: 'p' }], routes: [{ dst: '0.0.0.0/0' }] },
};

export const nothing: Reply = { status: 200, body: { released: [] } };

export const problem = (status: number, code: number, detail: string, more: object = {}): Reply => ({
  status,
  body: { type: 'about:blank', title: '', status, code, reason: 'PoolFull', detail, ...more },
});

export const usual = (asked: Asked): Reply => (asked.path === '/v1/cni/add' ? oneAddress : nothing);

export async function startPretendedController(
  where: { readonly socket: string } | { readonly tls: { readonly key: string; readonly cert: string } },
): Promise<PretendedController> {
  const asked: Asked[] = [];
  const sockets = new Set<Socket>();
  const controller = { asked, replies: [usual], port: 0, close };
  const server = 'tls' in where ? https.createServer(where.tls, listen) : http.createServer(listen);

  function listen(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined).on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      const one = { path: request.url ?? '', headers: request.headers, body };
      asked.push(one);
      const next = controller.replies.length > 1 ? controller.replies.shift() : controller.replies[0];
      reply(response, (next ?? usual)(one));
    });
  }

  function reply(response: http.ServerResponse, answer: Reply): void {
    if (answer === 'hang') return;
    if ('raw' in answer) {
      response.socket?.end(answer.raw);
      return;
    }
    setTimeout(() => {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(JSON.stringify(answer.body));
    }, answer.afterMs ?? 0);
  }

  async function close(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => ('socket' in where ? server.listen(where.socket, resolve) : server.listen(0, '127.0.0.1', resolve)));
  if ('tls' in where) controller.port = (server.address() as AddressInfo).port;
  return controller;
}
