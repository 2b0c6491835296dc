/** The events of a watch, out of a body of JSON lines that arrives in pieces cut anywhere, also within a character. */
import type { KubernetesObject } from './objects.ts';
import { ApiUnreachable } from './status.ts';
import { TransportError } from './transport.ts';

export interface WatchEvent<T = KubernetesObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  /** A Status when the type is ERROR. */
  readonly object: T;
}

/** Ends when the server ends the watch; throws ApiUnreachable when it breaks. A last line without its end is not an event. */
export async function* readEvents<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent<T>> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const piece of body) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) if (line !== '') yield parseEvent<T>(line);
    }
  } catch (error) {
    if (error instanceof TransportError) throw new ApiUnreachable(error.message, true, { cause: error });
    throw error;
  }
}

function parseEvent<T>(line: string): WatchEvent<T> {
  let event: Partial<WatchEvent<T>> | null;
  try {
    event = JSON.parse(line) as Partial<WatchEvent<T>> | null;
  } catch (error) {
    throw new ApiUnreachable('the API server sent a line that is not JSON', true, { cause: error });
  }
  if (typeof event?.type !== 'string' || typeof event.object !== 'object' || event.object === null) {
    throw new ApiUnreachable('the API server sent a line that is not an event', true);
  }
  return event as WatchEvent<T>;
}
