/** Questions about who asks (TokenReview, SubjectAccessReview): an answer, or why there is none, without the token in it. */
import { done, refuse, type Outcome } from '../core/refusal.ts';
import type { Client } from './client.ts';
import { apiVersionOf, type ResourceType } from './objects.ts';
import { ApiUnreachable, describeBriefly } from './status.ts';

const DEADLINE_MS = 5_000;

interface Review<Status> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: object;
  readonly status?: Partial<Status>;
}

/** The review's status. Refuses Unavailable. @param knows what the API server is asked for, for who is refused */
export async function askReview<Status extends object>(
  client: Pick<Client, 'review'>,
  type: ResourceType,
  spec: object,
  knows: string,
): Promise<Outcome<Partial<Status>>> {
  try {
    const review: Review<Status> = { apiVersion: apiVersionOf(type), kind: type.kind, spec };
    const answer = await client.review(type, review, { deadlineMs: DEADLINE_MS });
    if (answer.ok) return done(answer.value.status ?? {});
    return refuse('Unavailable', `The API server does not say who asks: ${describeBriefly(answer.status)}.`);
  } catch (error) {
    if (!(error instanceof ApiUnreachable)) throw error;
    return refuse('Unavailable', `The API server, which knows ${knows}, cannot be reached.`);
  }
}

/** Of a TokenReview. */
export interface TokenStatus {
  readonly authenticated: boolean;
  /** Why not, in the API server's words; where several ways to authenticate were tried, a list of all their reasons. */
  readonly error: string;
  readonly audiences: readonly string[];
  readonly user: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}
