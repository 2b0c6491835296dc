/** Streams a large answer of the controller into a file, or wherever the caller wants it. */
import http from 'node:http';
import { text as readText } from 'node:stream/consumers';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isProblem } from './check-answer.ts';
import { RefusedError, UnreachableError, unreachable } from './errors.ts';
import { parseJson, type Connection } from './transport.ts';

/**
 * Returns the number of bytes. Throws RefusedError, UnreachableError, or what the sink throws (disk full): then the
 * sink holds a part, which the caller throws away.
 */
export async function download(connection: Connection, path: string, sink: Writable): Promise<number> {
  const incoming = await openDownload(connection, path);
  if (incoming.statusCode !== 200) {
    const problem = parseJson(await readText(incoming));
    if (isProblem(problem)) throw new RefusedError(problem);
    throw new UnreachableError('garbage', `${connection.endpoint.text} does not offer ${path} (status ${incoming.statusCode})`);
  }
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => (bytes += chunk.length));
  let broken: unknown;
  incoming.on('error', (error) => (broken = error));
  try {
    await pipeline(incoming, sink);
  } catch (error) {
    throw broken === undefined ? error : unreachable(broken, connection.endpoint.text, false);
  }
  return bytes;
}

function openDownload({ endpoint, timers, timeoutMilliseconds }: Connection, path: string): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ socketPath: endpoint.socketPath, path, headers: { host: 'berth' }, agent: false });
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
      resolve(incoming);
    });
    outgoing.end();
  });
}
