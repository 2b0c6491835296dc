/** Tokens that the API server would never make, signed with its own key or another: TokenRequest gives none for less than ten minutes. */
import { createPrivateKey, sign } from 'node:crypto';

const decode = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A real service account token with some claims otherwise (times in seconds since 1970), signed anew. @param key PEM, of P-256 */
export function signAnew(
  token: string,
  claims: { readonly exp?: number; readonly nbf?: number; readonly iat?: number },
  key: string,
): string {
  const [header, payload] = token.split('.') as [string, string];
  const signed = `${header}.${encode({ ...decode(payload), ...claims })}`;
  // JWS wants r and s side by side (RFC 7518, section 3.4), not the DER that is OpenSSL's habit.
  const signature = sign('sha256', Buffer.from(signed), { key: createPrivateKey(key), dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
