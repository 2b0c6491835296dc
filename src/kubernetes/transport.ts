/**
 * One HTTP exchange with an API server, as the client sees it. The real one is undici-transport.ts; tests and the
 * simulation put a pretended API server here, so that everything above runs without sockets and on virtual time.
 */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, below the server's address. */
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** In pieces cut anywhere. Ends early with a TransportError when the connection breaks; leaving the loop ends the exchange. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Resolves when the headers are there. Rejects with TransportError and nothing else. */
export type Transport = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** There is no answer, or only a part of one. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  /** Whether the request may have reached the server. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.sent = sent;
  }
}

/** The whole body; pieces may cut characters. Undefined: it is larger, and was not read to its end. */
export async function readAtMost(body: AsyncIterable<Uint8Array>, bytes: number): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > bytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

export const readText = async (body: AsyncIterable<Uint8Array>): Promise<string> => (await readAtMost(body, Infinity)) as string;
