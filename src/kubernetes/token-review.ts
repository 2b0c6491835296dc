/**
 * Which node a token is of: the API server says whose it is (TokenReview), and that it is the nodes' own service
 * account; a token bound to a pod carries the node that pod runs on (KEP-4193). A yes is remembered for a minute, so
 * that an outage of the API server, or a burst of ADDs, is no question each; anything else is asked again.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import { askReview, type TokenStatus } from './ask-review.ts';
import type { Client } from './client.ts';
import { TOKEN_REVIEWS } from './objects.ts';
import { Questions } from './questions.ts';

const AUDIENCE = 'berth';
const NODE_NAME = 'authentication.kubernetes.io/node-name';

const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 20_000;
/** All nodes are asked about every minute; a node has one token, two for a moment. */
const MOST_QUESTIONS = { atOnce: 64, ofOneSource: 8 };

export interface TokenReviewOptions {
  readonly client: Pick<Client, 'review'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Of the nodes. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string };
}

/** `source` is the address that the token came from. Refuses Unauthenticated (no good token, or of another audience), NotAllowed (of somebody else), Unavailable and Overloaded. */
export function createTokenReviewer({
  client,
  clock,
  serviceAccount,
}: TokenReviewOptions): (token: string, source: string) => Promise<Outcome<string>> {
  const username = `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`;
  /** By hash: a dump of this memory shows no token. */
  const known = new Map<string, { readonly node: string; readonly until: number }>();
  const asking = new Map<string, Promise<Outcome<string>>>();
  const questions = new Questions(MOST_QUESTIONS);

  const judge = ({ authenticated, audiences, user, error }: Partial<TokenStatus>): Outcome<string> => {
    if (authenticated !== true || audiences?.includes(AUDIENCE) !== true) {
      return refuse('Unauthenticated', whyNot(error));
    }
    if (user?.username !== username) {
      return refuse('NotAllowed', `The token is of ${user?.username ?? 'nobody'}; only ${username} may ask.`);
    }
    const nodes = user.extra?.[NODE_NAME] ?? [];
    const [node] = nodes;
    if (nodes.length !== 1 || node === undefined || node === '') return refuse('NotAllowed', 'The token is bound to no pod on a node.');
    return done(node);
  };

  const whyNot = (error = ''): string => {
    const { namespace, name } = serviceAccount;
    if (error.includes('token has expired')) {
      return `The token has expired: the kubelet renews the one of each pod, so look at this node's pod of ${namespace}/${name} (does it run?) and at its clock.`;
    }
    if (error.includes('token is not valid yet'))
      return 'The token is not valid yet: the clocks of this node and of the API server differ.';
    return `The token is not valid, or not for the audience "${AUDIENCE}".`;
  };

  const ask = async (token: string): Promise<Outcome<string>> => {
    const status = await askReview<TokenStatus>(client, TOKEN_REVIEWS, { token, audiences: [AUDIENCE] }, 'whose the token is');
    return status.ok ? judge(status.value) : status;
  };

  return async (token, source) => {
    const hash = createHash('sha256').update(token).digest('base64');
    const found = known.get(hash);
    if (found !== undefined && clock.monotonic() < found.until) return done(found.node);
    known.delete(hash);
    const underWay = asking.get(hash);
    if (underWay !== undefined) return underWay;
    // Not to be shared with who sends the same token from elsewhere.
    const refusal = questions.refusal(source);
    if (refusal !== undefined) return refusal;
    const answer = questions.put(source, () => ask(token)).finally(() => asking.delete(hash));
    asking.set(hash, answer);
    const outcome = await answer;
    if (outcome.ok) {
      if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value as string);
      known.set(hash, { node: outcome.value, until: clock.monotonic() + REMEMBERED_MS });
    }
    return outcome;
  };
}
