/**
 * Which node a token is of: the API server says whose it is (TokenReview), and that it is the nodes' own service
 * account; a token bound to a pod carries the node that pod runs on (KEP-4193). A yes is remembered for a minute, so
 * that an outage of the API server, or a burst of ADDs, is no question each; anything else is asked again.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import type { Client } from './client.ts';
import { TOKEN_REVIEWS } from './objects.ts';
import { ApiUnreachable } from './status.ts';

export const AUDIENCE = 'berth';
const NODE_NAME = 'authentication.kubernetes.io/node-name';

const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 20_000;
/** Bad tokens, each another one, must not become as many calls of the API server. */
const MOST_AT_ONCE = 64;
const DEADLINE_MS = 5_000;

export interface TokenReviewOptions {
  readonly client: Pick<Client, 'review'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Of the nodes. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string };
}

interface TokenReview {
  readonly apiVersion: 'authentication.k8s.io/v1';
  readonly kind: 'TokenReview';
  readonly spec: { readonly token: string; readonly audiences: readonly string[] };
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
    readonly audiences?: readonly string[];
  };
}

/** Refuses Unauthenticated (no good token, or of another audience), NotAllowed (of somebody else), Unavailable and Overloaded. */
export function createTokenReviewer({ client, clock, serviceAccount }: TokenReviewOptions): (token: string) => Promise<Outcome<string>> {
  const username = `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`;
  /** By hash: a dump of this memory shows no token. */
  const known = new Map<string, { readonly node: string; readonly until: number }>();
  const asking = new Map<string, Promise<Outcome<string>>>();

  const judge = ({ status }: TokenReview): Outcome<string> => {
    if (status?.authenticated !== true || status.audiences?.includes(AUDIENCE) !== true) {
      return refuse('Unauthenticated', `The token is not valid, or not for the audience "${AUDIENCE}".`);
    }
    if (status.user?.username !== username) {
      return refuse('NotAllowed', `The token is of ${status.user?.username ?? 'nobody'}; only ${username} may ask.`);
    }
    const nodes = status.user.extra?.[NODE_NAME] ?? [];
    const [node] = nodes;
    if (nodes.length !== 1 || node === undefined || node === '') return refuse('NotAllowed', 'The token is bound to no pod on a node.');
    return done(node);
  };

  const ask = async (token: string): Promise<Outcome<string>> => {
    try {
      const review: TokenReview = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [AUDIENCE] },
      };
      const answer = await client.review(TOKEN_REVIEWS, review, { deadlineMs: DEADLINE_MS });
      if (answer.ok) return judge(answer.value);
      const { lacks, reason } = answer.status;
      return refuse(
        'Unavailable',
        `The API server does not say who asks: ${lacks === undefined ? reason : `the right to ${lacks} is missing`}.`,
      );
    } catch (error) {
      if (!(error instanceof ApiUnreachable)) throw error;
      return refuse('Unavailable', 'The API server, which knows whose the token is, cannot be reached.');
    }
  };

  return async (token) => {
    const hash = createHash('sha256').update(token).digest('base64');
    const found = known.get(hash);
    if (found !== undefined && clock.monotonic() < found.until) return done(found.node);
    known.delete(hash);
    const underWay = asking.get(hash);
    if (underWay !== undefined) return underWay;
    if (asking.size >= MOST_AT_ONCE) return refuse('Overloaded', `${MOST_AT_ONCE} tokens are being verified already.`);
    const answer = ask(token).finally(() => asking.delete(hash));
    asking.set(hash, answer);
    const outcome = await answer;
    if (outcome.ok) {
      if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value as string);
      known.set(hash, { node: outcome.value, until: clock.monotonic() + REMEMBERED_MS });
    }
    return outcome;
  };
}
