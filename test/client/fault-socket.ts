/** A socket that answers every connection with what a test wants: bytes, silence, or a cut. */
import http from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface FaultSocket {
  readonly path: string;
  /** What the callers sent, a string a connection. */
  readonly received: string[];
}

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'berth-client-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `react` is called once a connection, when the first bytes have come. */
export async function openFaultSocket(react: (socket: Socket, connection: number) => void): Promise<FaultSocket> {
  const path = join(makeFolder(), 'fault.sock');
  const sockets = new Set<Socket>();
  const received: string[] = [];
  const server: Server = createServer((socket) => {
    const connection = received.push('') - 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => react(socket, connection));
    socket.on('data', (chunk) => (received[connection] += String(chunk)));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { path, received };
}

/** A whole HTTP answer. */
export function httpAnswer(status: number, body: string, contentType = 'application/json'): string {
  return `HTTP/1.1 ${status} Whatever\r\ncontent-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** A controller whose every answer is what `reply` makes of the body. */
export async function openPretendedController(reply: (body: unknown) => object): Promise<{ readonly path: string }> {
  const path = join(makeFolder(), 'pretended.sock');
  const server = http.createServer((request, response) => {
    json(request).then((body) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(reply(body)));
    }, response.destroy.bind(response));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { path };
}
