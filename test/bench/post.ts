import { request as plainRequest, type RequestOptions } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { RequestOptions as TlsRequestOptions } from 'node:https';

/** A socket, or an https address; with the agent whose connections are kept, or not. */
export type PostTarget = RequestOptions | TlsRequestOptions;

export interface Posted {
  readonly status: number;
  readonly text: string;
  /** Of a Retry-After header. */
  readonly retryAfterSeconds: number | undefined;
}

/** POSTs JSON. Throws when no answer comes. */
export function exchange(target: PostTarget, path: string, body: object): Promise<Posted> {
  const text = JSON.stringify(body);
  const headers = { ...target.headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const request = target.socketPath ? plainRequest : secureRequest;
  return new Promise((resolve, reject) => {
    const sent = request({ ...target, method: 'POST', path, headers }, (response) => {
      let said = '';
      response.setEncoding('utf8').on('data', (piece: string) => (said += piece));
      response.once('error', reject);
      response.once('end', () => {
        const retryAfter = response.headers['retry-after'];
        resolve({
          status: response.statusCode ?? 0,
          text: said,
          retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter),
        });
      });
    });
    sent.once('error', reject);
    sent.end(text);
  });
}

/** The same. Throws what is said instead of 200. */
export async function post(target: PostTarget, path: string, body: object): Promise<void> {
  const { status, text } = await exchange(target, path, body);
  if (status !== 200) throw new Error(`${path}: status ${status}: ${text.trim()}`);
}
