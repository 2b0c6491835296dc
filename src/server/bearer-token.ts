/** The other way to know a node: by the token it sends (RFC 6750), which somebody else verifies. */
import type { IncomingMessage } from 'node:http';
import { refuse, type Outcome } from '../core/refusal.ts';

/** The node (for metrics: the user) that a token is of; Unauthenticated, NotAllowed or Unavailable. Never repeats the token. `source`: the address it came from. */
export type NodeOfToken = (token: string, source: string) => Promise<Outcome<string>>;

const LONGEST_TOKEN = 16_384;
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

export function nodeFromToken(nodeOfToken: NodeOfToken): (request: IncomingMessage) => Outcome<string> | Promise<Outcome<string>> {
  return ({ headers: { authorization = '' }, socket: { remoteAddress = '' } }) => {
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined || token.length > LONGEST_TOKEN) {
      return refuse('Unauthenticated', 'Send a token that says who you are: Authorization: Bearer TOKEN.');
    }
    return nodeOfToken(token, remoteAddress);
  };
}
