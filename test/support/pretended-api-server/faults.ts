/** What may go wrong with one request, and dice that choose. */
import type { HttpRequest } from '../../../src/kubernetes/transport.ts';

export type Fault =
  /** No connection: certainly not done. */
  | { readonly kind: 'refused' }
  /** The connection breaks before the server has read it: not done, and nobody can tell. */
  | { readonly kind: 'lost' }
  /** Done, and then the connection breaks. */
  | { readonly kind: 'unanswered' }
  /** No word ever comes; done or not. */
  | { readonly kind: 'hangs'; readonly done: boolean }
  /** The server says that it failed; done or not. */
  | { readonly kind: 'status'; readonly code: 410 | 429 | 500 | 503 | 504; readonly retryAfterSeconds?: number; readonly done: boolean }
  | { readonly kind: 'slow'; readonly ms: number }
  /** The body stops after so many bytes: the connection breaks there, or (clean) the server ends it as if it were whole. */
  | { readonly kind: 'cut'; readonly afterBytes: number; readonly clean: boolean }
  /** A watch that opens and then says nothing, as on a connection whose other end is gone. */
  | { readonly kind: 'silent' };

export type FaultChooser = (request: HttpRequest) => Fault | undefined;

/** About `share` (0 to 1) of all requests fail in one way or another. */
export function randomFaults(random: () => number, share: number): FaultChooser {
  const below = (bound: number): number => Math.floor(random() * bound);
  return ({ path }) => {
    if (random() >= share) return undefined;
    const watches = path.includes('watch=true');
    switch (below(8)) {
      case 0:
        return { kind: 'refused' };
      case 1:
        return { kind: 'lost' };
      case 2:
        return watches ? { kind: 'silent' } : { kind: 'unanswered' };
      case 3:
        return { kind: 'hangs', done: random() < 0.5 };
      case 4:
        return { kind: 'status', code: 429, retryAfterSeconds: 1 + below(3), done: false };
      case 5:
        return { kind: 'status', code: ([500, 503, 504] as const)[below(3)]!, done: random() < 0.5 };
      case 6:
        return { kind: 'slow', ms: below(3_000) };
      default:
        return { kind: 'cut', afterBytes: below(2_000), clean: watches && random() < 0.5 };
    }
  };
}
