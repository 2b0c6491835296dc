/** One HTTP exchange with the controller over its unix socket: one deadline, a bounded answer, JSON in and out. */
import http from 'node:http';
import type { Timers } from '../core/clock.ts';
import type { Endpoint } from './endpoint.ts';
import { UnreachableError, unreachable } from './errors.ts';

export interface Connection {
  readonly endpoint: Endpoint;
  readonly timers: Timers;
  readonly timeoutMilliseconds: number;
  readonly agent: http.Agent;
}

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** A page of 500 bindings is about 0.5 MB. */
const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;

/** Throws UnreachableError and nothing else. `leftMilliseconds`: what earlier attempts have left of the deadline. */
export function exchange(connection: Connection, request: Exchange, leftMilliseconds = connection.timeoutMilliseconds): Promise<Answer> {
  const { endpoint, timers, timeoutMilliseconds, agent } = connection;
  const changes = request.method !== 'GET';
  return new Promise((resolve, reject) => {
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    let connected = false;
    const outgoing = http.request({
      socketPath: endpoint.socketPath,
      agent,
      method: request.method,
      path: request.path,
      headers: {
        host: 'berth',
        accept: 'application/json',
        ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
      },
    });
    const cancelDeadline = timers.after(leftMilliseconds, () => {
      fail(new UnreachableError('slow', `no answer from ${endpoint.text} within ${timeoutMilliseconds / 1000} s`, changes && connected));
    });
    const fail = (error: UnreachableError): void => {
      cancelDeadline();
      outgoing.destroy();
      reject(error);
    };
    outgoing.on('error', (error) => fail(unreachable(error, endpoint.text, changes && connected)));
    outgoing.on('socket', (socket) => {
      if (!socket.connecting) connected = true;
      else socket.once('connect', () => (connected = true));
    });
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > LARGEST_ANSWER_BYTES) fail(new UnreachableError('garbage', `${endpoint.text} answers without end`, changes));
        else chunks.push(chunk);
      });
      incoming.on('error', (error) => fail(unreachable(error, endpoint.text, changes)));
      incoming.on('end', () => {
        cancelDeadline();
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    outgoing.end(body);
  });
}

/** The value, or undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
