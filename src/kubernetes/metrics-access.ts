/**
 * Who may read the metrics: whoever the API server says may `get` the path /metrics (TokenReview, then
 * SubjectAccessReview), as for the metrics of Kubernetes' own parts. A scrape is two questions; nothing is remembered.
 */
import { done, refuse, type Outcome } from '../core/refusal.ts';
import type { Client } from './client.ts';
import { apiVersionOf, SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS, type ResourceType } from './objects.ts';
import { ApiUnreachable, type ApiAnswer } from './status.ts';

export const METRICS_PATH = '/metrics';

const DEADLINE_MS = 5_000;
/** Bad tokens must not become as many calls of the API server. */
const MOST_AT_ONCE = 16;

interface User {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

interface Question<Status> {
  readonly spec: object;
  readonly status?: Status;
}

/** Resolves to the user's name; refuses Unauthenticated, NotAllowed, Unavailable and Overloaded. */
export function createMetricsAccess(client: Pick<Client, 'review'>): (token: string) => Promise<Outcome<string>> {
  let asking = 0;

  const ask = async (token: string): Promise<Outcome<string>> => {
    const options = { deadlineMs: DEADLINE_MS };
    const whose = await client.review<Question<{ authenticated?: boolean; user?: User }>>(
      TOKEN_REVIEWS,
      about(TOKEN_REVIEWS, { token }),
      options,
    );
    if (!whose.ok) return unavailable(whose);
    const { authenticated, user } = whose.value.status ?? {};
    if (authenticated !== true || user?.username === undefined) return refuse('Unauthenticated', 'The token is not valid.');
    const { username, ...rest } = user;
    const spec = { ...rest, user: username, nonResourceAttributes: { path: METRICS_PATH, verb: 'get' } };
    const may = await client.review<Question<{ allowed?: boolean }>>(SUBJECT_ACCESS_REVIEWS, about(SUBJECT_ACCESS_REVIEWS, spec), options);
    if (!may.ok) return unavailable(may);
    if (may.value.status?.allowed === true) return done(username);
    return refuse('NotAllowed', `${username} has no right to get the path ${METRICS_PATH}.`);
  };

  return async (token) => {
    if (asking >= MOST_AT_ONCE) return refuse('Overloaded', `${MOST_AT_ONCE} tokens are being verified already.`);
    asking += 1;
    try {
      return await ask(token);
    } catch (error) {
      if (!(error instanceof ApiUnreachable)) throw error;
      return refuse('Unavailable', 'The API server, which knows who may read the metrics, cannot be reached.');
    } finally {
      asking -= 1;
    }
  };
}

const about = (type: ResourceType, spec: object) => ({ apiVersion: apiVersionOf(type), kind: type.kind, spec });

function unavailable({ status: { lacks, reason } }: Extract<ApiAnswer<unknown>, { ok: false }>): Outcome<never> {
  const why = lacks === undefined ? reason : `the right to ${lacks} is missing`;
  return refuse('Unavailable', `The API server does not say who asks: ${why}.`);
}
