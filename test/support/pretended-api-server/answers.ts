/** Answers as an API server words them. */
import type { ResourceType } from '../../../src/kubernetes/objects.ts';

/** An answer that is complete, or one whose body goes on. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
});

export const failure = (
  code: number,
  reason: string,
  message: string,
  details?: object,
  headers?: Readonly<Record<string, string>>,
): Reply =>
  json(code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details: details ?? {}, code }, headers);

export const unknownPath = (): Reply => ({ status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' });

export const unknownResource = (): Reply => failure(404, 'NotFound', 'the server could not find the requested resource');

const named = ({ group, plural }: ResourceType): string => (group === '' ? plural : `${plural}.${group}`);
const detailsOf = ({ group, plural }: ResourceType, name: string) => ({ name, group, kind: plural });

export const notFound = (type: ResourceType, name: string): Reply =>
  failure(404, 'NotFound', `${named(type)} "${name}" not found`, detailsOf(type, name));

export const alreadyExists = (type: ResourceType, name: string): Reply =>
  failure(409, 'AlreadyExists', `${named(type)} "${name}" already exists`, detailsOf(type, name));

export const conflict = (type: ResourceType, name: string, why: string): Reply =>
  failure(409, 'Conflict', `Operation cannot be fulfilled on ${named(type)} "${name}": ${why}`, detailsOf(type, name));

export const invalid = (type: ResourceType, name: string, why: string): Reply =>
  failure(422, 'Invalid', `${type.kind}.${type.group} "${name}" is invalid: ${why}`, detailsOf(type, name));

export const expired = (message: string): Reply => failure(410, 'Expired', message);

export const forbidden = (verb: string, type: ResourceType): Reply =>
  failure(
    403,
    'Forbidden',
    `${named(type)} is forbidden: User "pretended" cannot ${verb} resource "${type.plural}" in API group "${type.group}" at the cluster scope`,
    { group: type.group, kind: type.plural },
  );

export const tooManyRequests = (retryAfterSeconds: number): Reply =>
  failure(
    429,
    'TooManyRequests',
    'Too many requests, please try again later.',
    { retryAfterSeconds },
    { 'retry-after': String(retryAfterSeconds) },
  );
