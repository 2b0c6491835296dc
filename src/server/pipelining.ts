/**
 * HTTP/1.1 lets a caller send its next requests before the first answer. No client of ours does; a hostile one could
 * heap up requests in memory without end, because one connection may hold any number of them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** One is under way, and one may overlap with the end of its answer; the rest is margin. */
const MOST_UNANSWERED = 16;

const unanswered = new WeakMap<Socket, number>();

/** Counts the request; true, and the connection is gone, when too many of this connection wait for an answer. */
export function pipelinesTooMany(request: IncomingMessage, response: ServerResponse): boolean {
  const { socket } = request;
  const count = (unanswered.get(socket) ?? 0) + 1;
  if (count > MOST_UNANSWERED) {
    socket.destroy();
    return true;
  }
  unanswered.set(socket, count);
  response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
  return false;
}
