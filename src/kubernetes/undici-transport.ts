/**
 * The Transport over real sockets: undici's dispatch interface, because it tells the moment a request is put on a
 * connection. Before it nothing was sent; after it, without an answer, nobody knows.
 */
import type { Dispatcher } from 'undici';
import { ByteQueue } from './byte-queue.ts';
import type { Access, Credentials } from './credentials.ts';
import { readText, TransportError, type HttpAnswer, type HttpRequest, type Transport } from './transport.ts';

/** Sends with the current credentials; after a 401 once more, if reading them again changes them. */
export function undiciTransport(credentials: Credentials): Transport {
  return async (request, signal) => {
    const access = await read(() => credentials.current());
    const answer = await exchange(access, request, signal).catch(async (error: unknown) => {
      // Perhaps the server has another certificate authority by now: the next call shall know.
      if (error instanceof TransportError && !error.sent && !signal.aborted) await credentials.refresh().catch(() => undefined);
      throw error;
    });
    if (answer.status !== 401) return answer;
    const fresh = await read(() => credentials.refresh());
    if (fresh === access) return answer;
    await readText(answer.body);
    return exchange(fresh, request, signal);
  };
}

async function read(credentials: () => Promise<Access>): Promise<Access> {
  try {
    return await credentials();
  } catch (error) {
    throw new TransportError(`the credentials for the API server cannot be read: ${messageOf(error)}`, false, { cause: error });
  }
}

function exchange(access: Access, { method, path, body, contentType }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = contentType === undefined ? access.headers : { ...access.headers, 'content-type': contentType };
    const handler = new Exchange(resolve, reject, signal);
    const { origin, pathPrefix } = access;
    access.dispatcher.dispatch({ origin, path: `${pathPrefix}${path}`, method, headers, body: body ?? null }, handler);
  });
}

/** Bytes that may wait for the reader before the connection is told to wait. */
const WAITING_BYTES = 4 * 1024 * 1024;

class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#leave();
  #controller: Dispatcher.DispatchController | undefined;
  #body: ByteQueue | undefined;

  constructor(resolve: (answer: HttpAnswer) => void, reject: (error: TransportError) => void, signal: AbortSignal) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    if (signal.aborted) this.#leave();
    else signal.addEventListener('abort', this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Whoever left while it waited for a connection must not have it sent.
    if (this.#signal.aborted) controller.abort(new Error('given up'));
    else this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return;
    this.#body = new ByteQueue(
      (waiting) => {
        if (waiting > WAITING_BYTES && !controller.paused) controller.pause();
        else if (waiting === 0 && controller.paused) controller.resume();
      },
      () => this.#leave(),
    );
    const flat = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]);
    this.#resolve({ status, headers: Object.fromEntries(flat) as Record<string, string>, body: this.#body });
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#body?.push(piece);
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#body?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(new TransportError(`no answer from the API server: ${messageOf(error)}`, this.#controller !== undefined, { cause: error }));
  }

  #leave(): void {
    this.#fail(new TransportError('the call to the API server was given up', this.#controller !== undefined));
    this.#controller?.abort(new Error('given up'));
  }

  #fail(error: TransportError): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (this.#body === undefined) this.#reject(error);
    else this.#body.end(error);
  }
}

/** undici wraps what several connection attempts said. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
