/**
 * The CA's life, as pure decisions. The next one is published two days before it signs anything, and the previous one
 * stays published until it ends: a node that is late with its copy trusts what it meets anyway.
 */
import { validityOf, type KeyPair } from './certificates.ts';

export interface AuthorityState {
  readonly current: KeyPair;
  /** Published, and not signing yet. */
  readonly next?: KeyPair;
  /** Certificates that may still be met. */
  readonly previous: readonly string[];
}

const DAY_MS = 86_400_000;
export const AUTHORITY_DAYS = 365;
/** A third of its life is left for whatever may hold a rotation up. */
const REPLACED_BEFORE_END_MS = 120 * DAY_MS;
/** A kubelet brings a ConfigMap up to date within minutes; a node that was away for a day comes back with its old copy. */
const PUBLISHED_BEFORE_USE_MS = 2 * DAY_MS;

export type Step = 'none' | 'make' | 'promote' | 'forget';

/** What is due. @param now wall clock, milliseconds */
export function nextStep({ current, next, previous }: AuthorityState, now: number): Step {
  if (previous.some((cert) => validityOf(cert).notAfter <= now)) return 'forget';
  const { notAfter } = validityOf(current.cert);
  if (next === undefined) return notAfter - now < REPLACED_BEFORE_END_MS ? 'make' : 'none';
  const published = validityOf(next.cert).notBefore;
  // Nobody trusts an ended one anyway: then there is nothing to wait for.
  return now - published >= PUBLISHED_BEFORE_USE_MS || notAfter <= now ? 'promote' : 'none';
}

export async function take(
  step: Exclude<Step, 'none'>,
  state: AuthorityState,
  now: number,
  make: () => Promise<KeyPair>,
): Promise<AuthorityState> {
  const { current, next, previous } = state;
  switch (step) {
    case 'make':
      return { ...state, next: await make() };
    case 'promote':
      return next === undefined ? state : { current: next, previous: [...previous, current.cert] };
    case 'forget':
      return { ...state, previous: previous.filter((cert) => validityOf(cert).notAfter > now) };
  }
}

/** Every CA that a node should trust. */
export const bundleOf = ({ current, next, previous }: AuthorityState): string =>
  [current.cert, ...(next ? [next.cert] : []), ...previous].map((cert) => `${cert.trim()}\n`).join('');

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString();

/** As a Secret's data. */
export const toData = ({ current, next, previous }: AuthorityState): Readonly<Record<string, string>> => ({
  'ca.crt': encode(current.cert),
  'ca.key': encode(current.key),
  ...(next && { 'next.crt': encode(next.cert), 'next.key': encode(next.key) }),
  ...(previous.length > 0 && { 'previous.crt': encode(previous.map((cert) => `${cert.trim()}\n`).join('')) }),
});

/** Undefined for what somebody has made of it that is no CA of ours. */
export function fromData(data: Readonly<Record<string, string>> = {}): AuthorityState | undefined {
  const text = (key: string): string => decode(data[key] ?? '');
  const pair = (name: string): KeyPair | undefined => {
    const [cert, key] = [text(`${name}.crt`), text(`${name}.key`)];
    return isCertificate(cert) && key.includes('PRIVATE KEY') ? { cert, key } : undefined;
  };
  const current = pair('ca');
  if (current === undefined) return undefined;
  const next = pair('next');
  const previous = text('previous.crt').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return { current, ...(next && { next }), previous: previous.filter(isCertificate) };
}

function isCertificate(cert: string): boolean {
  try {
    validityOf(cert);
    return true;
  } catch {
    return false;
  }
}
