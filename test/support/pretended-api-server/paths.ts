/** From method and path to verb, kind and name. */
import type { HttpRequest } from '../../../src/kubernetes/transport.ts';
import { resourceName } from '../../../src/kubernetes/objects.ts';
import type { Kind } from './kinds.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

export interface Parsed {
  readonly verb: Verb;
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

const WRITES: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** Undefined: no kind of these is served there. */
export function parsePath({ method, path }: HttpRequest, kinds: readonly Kind[]): Parsed | undefined {
  const url = new URL(path, 'http://pretended');
  const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
  const group = parts[0] === 'api' ? '' : parts[1];
  const [version, ...rest] = parts.slice(parts[0] === 'api' ? 1 : 2);
  const of = (plural: string | undefined): Kind | undefined =>
    kinds.find((kind) => kind.group === group && kind.version === version && kind.plural === plural);
  const inNamespace = rest[0] === 'namespaces' && rest.length >= 3 && of(rest[2])?.namespaced;
  const namespace = inNamespace ? rest[1] : undefined;
  const [plural, name, subresource] = inNamespace ? rest.slice(2) : rest;
  const kind = of(plural);
  if (kind === undefined || (kind.namespaced && name !== undefined && namespace === undefined)) return undefined;
  const query = url.searchParams;
  const reading: Verb = name !== undefined ? 'get' : query.get('watch') === 'true' ? 'watch' : 'list';
  return { verb: WRITES[method] ?? reading, kind, namespace, name, subresource, query };
}

/** "list pods", "update leases.coordination.k8s.io" */
export const verbOf = ({ verb, kind, subresource }: Parsed): string =>
  `${verb} ${resourceName(kind)}${subresource === undefined ? '' : `/${subresource}`}`;
