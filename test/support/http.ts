/** Plain HTTP for tests of the server: over a unix socket or https, as requests or as raw bytes. */
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { RequestOptions as TlsRequestOptions } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: any;
}

export type Target = { readonly socketPath: string } | TlsRequestOptions;

export async function ask(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const options: RequestOptions = {
    ...target,
    method,
    path,
    headers: {
      ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      ...headers,
    },
  };
  const request = ('socketPath' in target && target.socketPath ? httpRequest : httpsRequest)(options, (response) => {
    text(response).then(
      (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body, json: parse(body) }),
      reject,
    );
  });
  request.on('error', reject);
  request.end(payload);
  return promise;
}

/** Sends bytes and returns all that comes back until the server closes. */
export async function askRaw(socketPath: string, bytes: string | Buffer): Promise<string> {
  const socket = connect({ path: socketPath });
  socket.write(bytes);
  return text(socket);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
