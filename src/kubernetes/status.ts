/** What an API server says when it does not do what was asked: its `Status` object as a value. */
export type ApiReason =
  | 'NotFound' // no object of that name
  | 'NoSuchResource' // the server does not know the kind: its CRD is not installed
  | 'AlreadyExists'
  | 'Conflict' // another version or uid by now
  | 'Expired' // 410: a version or a continue token that is too old
  | 'TooManyRequests' // not done; come back after retryAfterSeconds
  | 'Forbidden'
  | 'Unauthorized'
  | 'Invalid'
  | 'TooLarge' // more than the caller has room for
  | 'ServerError' // 5xx: for a write nobody knows whether it was done
  | 'Other';

export interface ApiStatus {
  readonly code: number;
  readonly reason: ApiReason;
  readonly message: string;
  readonly retryAfterSeconds?: number;
  /** RBAC refused: the right that is missing, "create addressbindings.berth-ipam.dev". */
  readonly lacks?: string;
}

/** For a log or a person. What RBAC refused is told by the right that is missing; `otherwise` stands for everything else. */
export function describeStatus({ message, lacks, reason }: ApiStatus, otherwise = message): string {
  if (lacks !== undefined) return `${describeLack(lacks)}: ${message}`;
  // Of the resources that Berth asks for only its own can be missing.
  if (reason === 'NoSuchResource') return `the API server does not know the custom resource (apply deploy/crds): ${message}`;
  return otherwise;
}

/** The same without the API server's own words, where those might repeat what was sent to it. */
export const describeBriefly = ({ reason, lacks }: ApiStatus): string => (lacks === undefined ? reason : describeLack(lacks));

const describeLack = (right: string): string => `the right to ${right} is missing`;

/** An expected "no" is a value; that there is no answer is an ApiUnreachable. */
export type ApiAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly status: ApiStatus };

/** No answer, or none that can be read. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
  /** Whether the server may have got the request: then a write may have been done. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.sent = sent;
  }
}

interface StatusBody {
  readonly kind?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly name?: string; readonly retryAfterSeconds?: number } | null;
}

/** `right` is what was asked for: verb and resource, as RBAC names them. */
export function readStatus(code: number, headers: Readonly<Record<string, string>>, text: string, right: string): ApiStatus {
  const body = parseStatus(text);
  const retryAfterSeconds = secondsOf(headers['retry-after']) ?? body?.details?.retryAfterSeconds;
  const message = body?.message ?? text.trim().slice(0, 200);
  return {
    code,
    reason: reasonOf(code, body),
    message: message === '' ? `status ${code}` : message,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    // An admission policy's refusal is Forbidden too; only RBAC says that somebody "cannot" something.
    ...(code === 403 && (body === undefined || / cannot \S+ (?:resource|path) /.test(message)) && { lacks: right }),
  };
}

/** The Status in an ERROR event of a watch. */
export function readStatusObject(object: unknown, right: string): ApiStatus {
  const code = (object as StatusBody | null)?.code;
  return readStatus(typeof code === 'number' ? code : 500, {}, JSON.stringify(object), right);
}

function parseStatus(text: string): StatusBody | undefined {
  try {
    const body = JSON.parse(text) as StatusBody | null;
    return body?.kind === 'Status' ? body : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(code: number, body: StatusBody | undefined): ApiReason {
  switch (code) {
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      // An unknown group is plain text, an unknown resource a Status that names no object.
      return body?.details?.name === undefined ? 'NoSuchResource' : 'NotFound';
    case 409:
      return body?.reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict';
    case 410:
      return 'Expired';
    case 422:
      return 'Invalid';
    case 429:
      return 'TooManyRequests';
    default:
      return code >= 500 ? 'ServerError' : 'Other';
  }
}

/** Retry-After in seconds; its other form, a date, is not used by API servers. */
function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
