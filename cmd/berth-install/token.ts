/** How long the node's token is still good for: its own words, which the controller has verified by somebody else. */

/** A kubelet brings a new token at 80 % of its life: with a tenth left, it has failed to for long. */
const LEAST_LEFT = 0.1;

/** RFC 7519: `exp` and `iat`, seconds. @param now milliseconds. Returns undefined while all is well, else why it is not. */
export function whyNotFresh(token: string, now: number): string | undefined {
  const claims = readClaims(token);
  if (claims === undefined) return 'the token is none';
  const left = claims.exp * 1000 - now;
  if (left <= 0) return 'the token has expired';
  if (left < (claims.exp - claims.iat) * 1000 * LEAST_LEFT)
    return `the token expires in ${Math.round(left / 1000)} s and the kubelet has brought no new one`;
  return undefined;
}

function readClaims(token: string): { readonly exp: number; readonly iat: number } | undefined {
  try {
    const { exp, iat } = JSON.parse(Buffer.from(token.trim().split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
    return typeof exp === 'number' && typeof iat === 'number' ? { exp, iat } : undefined;
  } catch {
    return undefined;
  }
}
