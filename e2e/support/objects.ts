/** What the suites ask the cluster for. */
import { BUSYBOX_IMAGE } from '../cluster/layout.ts';
import type { NodeName } from '../cluster/layout.ts';

export interface PodOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly node?: NodeName;
  /** A shell line instead of waiting for the end. */
  readonly run?: string;
  readonly graceSeconds?: number;
  readonly spec?: object;
}

const podSpec = ({ node, run, graceSeconds = 2, spec }: PodOptions): object => ({
  terminationGracePeriodSeconds: graceSeconds,
  automountServiceAccountToken: false,
  ...(node && { nodeSelector: { 'kubernetes.io/hostname': node } }),
  // A node that is away for a moment is part of the suites.
  tolerations: ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
  })),
  containers: [
    {
      name: 'main',
      image: BUSYBOX_IMAGE,
      imagePullPolicy: 'Never',
      ...(run !== undefined && { command: ['/bin/busybox', 'sh', '-c', run] }),
    },
  ],
  ...spec,
});

export const pod = (namespace: string, name: string, options: PodOptions = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, annotations: options.annotations ?? {} },
  spec: podSpec(options),
});

function workload(kind: 'Deployment' | 'StatefulSet', namespace: string, name: string, replicas: number, options: PodOptions): object {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { namespace, name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      ...(kind === 'StatefulSet' && { serviceName: name, podManagementPolicy: 'Parallel' }),
      template: { metadata: { labels: { app: name }, annotations: options.annotations ?? {} }, spec: podSpec(options) },
    },
  };
}

export const deployment = (namespace: string, name: string, replicas: number, options: PodOptions = {}): object =>
  workload('Deployment', namespace, name, replicas, options);

export const statefulSet = (namespace: string, name: string, replicas: number, options: PodOptions = {}): object =>
  workload('StatefulSet', namespace, name, replicas, options);

export const job = (namespace: string, name: string, completions: number, options: PodOptions): object => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { namespace, name },
  spec: { completions, parallelism: completions, template: { spec: { ...podSpec(options), restartPolicy: 'Never' } } },
});

export const namespace = (name: string, annotations: Readonly<Record<string, string>> = {}): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, annotations },
});

export const pool = (name: string, spec: object): object => ({
  apiVersion: 'berth-ipam.dev/v1alpha1',
  kind: 'AddressPool',
  metadata: { name },
  spec,
});

/** Both families for everybody. */
export const DEFAULT_POOLS: readonly object[] = [
  pool('pods', { default: true, ranges: [{ first: '10.90.1.1', last: '10.90.2.254' }], subnet: '10.90.0.0/16', gateway: '10.90.0.1' }),
  pool('pods-v6', { default: true, ranges: [{ cidr: 'fd90::1:0/112' }], subnet: 'fd90::/64' }),
];

/** `count` addresses of 10.90.<third>.1 and on. */
export const smallPool = (name: string, third: number, count: number): object =>
  pool(name, { ranges: [{ first: `10.90.${third}.1`, last: `10.90.${third}.${count}` }], subnet: '10.90.0.0/16', cooldownSeconds: 1 });

export const onlyPool = (name: string): Readonly<Record<string, string>> => ({ 'berth-ipam.dev/pools': name });
