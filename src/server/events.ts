/**
 * GET /v1/events: server-sent events (WHATWG HTML, "Server-sent events"), one per change, from now on. Who wants
 * everything subscribes first and lists then. A reader that falls behind is let go rather than buffered for.
 */
import type { ServerResponse } from 'node:http';
import type { Timers } from '../core/clock.ts';
import { refuse } from '../core/refusal.ts';
import type { Operations } from '../ipam/operations.ts';
import { toEventDocument } from './documents.ts';
import type { Answer } from './route.ts';

const MOST_STREAMS = 64;
const LARGEST_BACKLOG = 4 * 1024 * 1024;
/** Below the usual idle minute of proxies, and soon enough to see that a reader is dead. */
const HEARTBEAT_MS = 15_000;

export interface EventStreams {
  readonly open: () => number;
  /** Sends changes until the reader leaves, falls behind, or endAll; refused beyond 64 readers. */
  serve(response: ServerResponse, operations: Pick<Operations, 'subscribe'>): Promise<Answer | void>;
  endAll(): void;
}

export function createEventStreams(timers: Pick<Timers, 'after'>): EventStreams {
  const ends = new Set<() => void>();

  function serve(response: ServerResponse, operations: Pick<Operations, 'subscribe'>): Promise<Answer | void> {
    if (ends.size >= MOST_STREAMS) {
      return Promise.resolve(refuse('Overloaded', `${MOST_STREAMS} event streams are open already.`, { retryAfterSeconds: 10 }));
    }
    return new Promise((resolve) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' });
      response.write('retry: 1000\n\n');
      const unsubscribe = operations.subscribe((event) => {
        send(`event: ${event.type}\ndata: ${JSON.stringify(toEventDocument(event))}\n\n`);
      });
      let cancelHeartbeat = timers.after(HEARTBEAT_MS, beat);

      function beat(): void {
        send(': still here\n\n');
        cancelHeartbeat = timers.after(HEARTBEAT_MS, beat);
      }
      function send(text: string): void {
        response.write(text);
        if (response.writableLength > LARGEST_BACKLOG) {
          finish();
          response.destroy();
        }
      }
      function finish(): void {
        unsubscribe();
        cancelHeartbeat();
        ends.delete(end);
        resolve();
      }
      function end(): void {
        finish();
        response.end();
      }
      ends.add(end);
      response.on('close', finish);
    });
  }

  return {
    open: () => ends.size,
    serve,
    endAll: () => {
      for (const end of [...ends]) end();
    },
  };
}
