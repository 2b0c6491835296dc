/** What every Kubernetes object has, and where its kind is served. Only what Berth reads of it is typed. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  /** Set by the server. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

const type = (group: string, version: string, plural: string, kind: string, namespaced: boolean): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced,
});

export const PODS = type('', 'v1', 'pods', 'Pod', true);
export const NODES = type('', 'v1', 'nodes', 'Node', false);
export const NAMESPACES = type('', 'v1', 'namespaces', 'Namespace', false);
export const SECRETS = type('', 'v1', 'secrets', 'Secret', true);
export const CONFIG_MAPS = type('', 'v1', 'configmaps', 'ConfigMap', true);
export const LEASES = type('coordination.k8s.io', 'v1', 'leases', 'Lease', true);
export const TOKEN_REVIEWS = type('authentication.k8s.io', 'v1', 'tokenreviews', 'TokenReview', false);
export const SUBJECT_ACCESS_REVIEWS = type('authorization.k8s.io', 'v1', 'subjectaccessreviews', 'SubjectAccessReview', false);
export const ADDRESS_POOLS = type('berth-ipam.dev', 'v1alpha1', 'addresspools', 'AddressPool', false);
export const ADDRESS_BINDINGS = type('berth-ipam.dev', 'v1alpha1', 'addressbindings', 'AddressBinding', false);

/** "v1", "berth-ipam.dev/v1alpha1" */
export const apiVersionOf = ({ group, version }: ResourceType): string => (group === '' ? version : `${group}/${version}`);

/** "pods", "addressbindings.berth-ipam.dev": as in RBAC messages and CRD names. */
export const resourceName = ({ group, plural }: ResourceType): string => (group === '' ? plural : `${plural}.${group}`);

/** The path of a collection, or of one object in it. All namespaces when a namespaced type is asked for without one. */
export function pathOf(resource: ResourceType, namespace?: string, name?: string, subresource?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const parts = [root];
  if (resource.namespaced && namespace !== undefined) parts.push('namespaces', encodeURIComponent(namespace));
  parts.push(resource.plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join('/');
}

/** What identifies an object within its type: "namespace/name", or the name. */
export const keyOf = ({ namespace, name }: { readonly namespace?: string | undefined; readonly name: string }): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/**
 * Whether resource version `a` is older than `b`. They are decimal numbers of any length, comparable within one type
 * (KEP-5504).
 */
export const isOlder = (a: string, b: string): boolean => (a.length !== b.length ? a.length < b.length : a < b);
