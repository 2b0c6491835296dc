/**
 * Who may read the metrics: whoever the API server says may `get` the path /metrics (TokenReview, then
 * SubjectAccessReview), as for the metrics of Kubernetes' own parts. A scrape is two questions; nothing is remembered.
 */
import { done, refuse, type Outcome } from '../core/refusal.ts';
import { askReview, type TokenStatus } from './ask-review.ts';
import type { Client } from './client.ts';
import { SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS } from './objects.ts';
import { Questions } from './questions.ts';

const METRICS_PATH = '/metrics';
const KNOWS = 'who may read the metrics';

const MOST_QUESTIONS = { atOnce: 16, ofOneSource: 4 };

/** `source` is the address that the token came from. Resolves to the user's name; refuses Unauthenticated, NotAllowed, Unavailable and Overloaded. */
export function createMetricsAccess(client: Pick<Client, 'review'>): (token: string, source: string) => Promise<Outcome<string>> {
  const questions = new Questions(MOST_QUESTIONS);

  const ask = async (token: string): Promise<Outcome<string>> => {
    const whose = await askReview<TokenStatus>(client, TOKEN_REVIEWS, { token }, KNOWS);
    if (!whose.ok) return whose;
    const { authenticated, user } = whose.value;
    if (authenticated !== true || user?.username === undefined) return refuse('Unauthenticated', 'The token is not valid.');
    const { username, ...rest } = user;
    const spec = { ...rest, user: username, nonResourceAttributes: { path: METRICS_PATH, verb: 'get' } };
    const may = await askReview<{ allowed: boolean }>(client, SUBJECT_ACCESS_REVIEWS, spec, KNOWS);
    if (!may.ok) return may;
    if (may.value.allowed === true) return done(username);
    return refuse('NotAllowed', `${username} has no right to get the path ${METRICS_PATH}.`);
  };

  return (token, source) => questions.put(source, () => ask(token));
}
