/** Follows the controller's changes, over its restarts, until told to stop. */
import http from 'node:http';
import type { AddressBinding, AddressPool } from '../protocol.ts';
import { isBinding, isPool } from './check-answer.ts';
import { UnreachableError, unreachable } from './errors.ts';
import { createEventParser } from './event-stream.ts';
import type { Connection } from './transport.ts';

export type ClientEvent =
  /** The stream is open: what changes from here on will be told. `again`: there was a gap since the last one. */
  | { readonly type: 'connected'; readonly again: boolean }
  | { readonly type: 'lost'; readonly error: UnreachableError }
  | { readonly type: 'put' | 'removed'; readonly object: AddressBinding | AddressPool };

export interface FollowOptions {
  readonly signal: AbortSignal;
}

/** The server sends a comment every 15 s: three missing mean that the line is dead. */
const SILENCE_MILLISECONDS = 45_000;
const FIRST_PAUSE_MILLISECONDS = 250;
const LONGEST_PAUSE_MILLISECONDS = 5_000;

/**
 * Throws UnreachableError only if the very first connection fails; a later loss is told as `lost`, and it goes on as
 * soon as the controller is back.
 */
export async function* followEvents(connection: Connection, { signal }: FollowOptions): AsyncGenerator<ClientEvent> {
  let everConnected = false;
  let pause = FIRST_PAUSE_MILLISECONDS;
  while (!signal.aborted) {
    try {
      const stream = await openStream(connection, signal);
      yield { type: 'connected', again: everConnected };
      everConnected = true;
      pause = FIRST_PAUSE_MILLISECONDS;
      yield* readStream(connection, stream, signal);
      if (signal.aborted) return;
      yield { type: 'lost', error: new UnreachableError('cut', `${connection.endpoint.text} ended the stream of changes`) };
    } catch (error) {
      if (signal.aborted) return;
      const told = error instanceof UnreachableError ? error : unreachable(error, connection.endpoint.text, false);
      if (!everConnected) throw told;
      if (pause === FIRST_PAUSE_MILLISECONDS) yield { type: 'lost', error: told };
    }
    await sleep(connection, pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS);
  }
}

function openStream({ endpoint, timers, timeoutMilliseconds }: Connection, signal: AbortSignal): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      socketPath: endpoint.socketPath,
      path: '/v1/events',
      headers: { host: 'berth', accept: 'text/event-stream' },
      agent: false,
      signal,
    });
    const cancelDeadline = timers.after(timeoutMilliseconds, () => {
      outgoing.destroy();
      reject(new UnreachableError('slow', `no answer from ${endpoint.text} within ${timeoutMilliseconds / 1000} s`));
    });
    outgoing.on('error', (error) => {
      cancelDeadline();
      reject(unreachable(error, endpoint.text, false));
    });
    outgoing.on('response', (incoming) => {
      cancelDeadline();
      if (incoming.statusCode === 200 && incoming.headers['content-type']?.startsWith('text/event-stream')) return resolve(incoming);
      incoming.destroy();
      reject(new UnreachableError('garbage', `${endpoint.text} offers no stream of changes (status ${incoming.statusCode})`));
    });
    outgoing.end();
  });
}

async function* readStream(connection: Connection, stream: http.IncomingMessage, signal: AbortSignal): AsyncGenerator<ClientEvent> {
  const parse = createEventParser();
  let cancelWatchdog = watchSilence(connection, stream);
  stream.setEncoding('utf8');
  try {
    for await (const chunk of stream) {
      cancelWatchdog();
      cancelWatchdog = watchSilence(connection, stream);
      for (const { event, data } of parse(chunk as string)) {
        const object: unknown = JSON.parse(data);
        if ((event === 'put' || event === 'removed') && (isBinding(object) || isPool(object))) yield { type: event, object };
      }
    }
  } catch (error) {
    if (!signal.aborted) throw unreachable(error, connection.endpoint.text, false);
  } finally {
    cancelWatchdog();
    stream.destroy();
  }
}

const watchSilence = ({ timers }: Connection, stream: http.IncomingMessage): (() => void) =>
  timers.after(SILENCE_MILLISECONDS, () => stream.destroy(new Error('silence')));

function sleep({ timers }: Connection, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = timers.after(milliseconds, resolve);
    signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
  });
}
