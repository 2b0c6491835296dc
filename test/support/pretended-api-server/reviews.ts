/** TokenReview and SubjectAccessReview: who holds a token, and who may do what. */
import type { Timers } from '../../../src/core/clock.ts';

export interface MintedToken {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  readonly audiences: readonly string[];
  /** By the server's wall clock, in milliseconds. */
  readonly expiresAt?: number;
}

export interface TokenReviewBody {
  readonly spec: { readonly token?: string; readonly audiences?: readonly string[] };
}

export interface AccessReviewBody {
  readonly spec: {
    readonly user?: string;
    readonly groups?: readonly string[];
    readonly resourceAttributes?: object;
    readonly nonResourceAttributes?: object;
  };
}

export class Tokens {
  readonly #timers: Timers;
  readonly #tokens = new Map<string, MintedToken>();
  #count = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  mint(token: MintedToken): string {
    const text = `pretended-token-${++this.#count}`;
    this.#tokens.set(text, token);
    return text;
  }

  revoke(text: string): void {
    this.#tokens.delete(text);
  }

  review<T extends TokenReviewBody>(review: T): T & { readonly status: object } {
    const token = this.#tokens.get(review.spec.token ?? '');
    const asked = review.spec.audiences ?? ['https://kubernetes.default.svc'];
    const audiences = token?.audiences.filter((audience) => asked.includes(audience)) ?? [];
    const failed = (error: string) => ({ ...review, status: { authenticated: false, user: {}, error } });
    if (token === undefined) return failed('[invalid bearer token]');
    if (token.expiresAt !== undefined && token.expiresAt <= this.#timers.now()) return failed('[invalid bearer token, token has expired]');
    if (audiences.length === 0) return failed('[invalid bearer token, token audiences do not match]');
    const { username, uid, groups, extra } = token;
    return { ...review, status: { authenticated: true, user: { username, uid, groups, extra }, audiences } };
  }
}
