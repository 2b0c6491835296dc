/** Looking at the cluster, and at what is really there on its nodes. */
import { execute } from '../../cmd/dev/execute.ts';
import { eventually } from '../../test/support/eventually.ts';
import { apply, kubectl, mustKubectl } from '../cluster/kubectl.ts';
import { NODES } from '../cluster/layout.ts';
import type { NodeName } from '../cluster/layout.ts';
import { onNode, pathOnNode } from '../cluster/node.ts';
import { namespace } from './objects.ts';

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName?: NodeName; readonly hostNetwork?: boolean };
  readonly status: {
    readonly phase: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly lastTransitionTime: string }[];
  };
}

export interface Binding {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: {
    readonly address: string;
    readonly pool: string;
    readonly releasedAt?: string;
    readonly attachments?: readonly { readonly node: string; readonly cniNetwork: string; readonly podUid?: string }[];
    readonly subinstance: string;
    readonly subid: string;
  };
}

export async function list<T>(kind: string, ...args: string[]): Promise<readonly T[]> {
  return (JSON.parse(await mustKubectl(['get', kind, '-o', 'json', ...args])) as { items: T[] }).items;
}

export const pods = (ns: string): Promise<readonly Pod[]> => list<Pod>('pods', '-n', ns);
export const addressesOf = (all: readonly Pod[]): string[] => all.flatMap(({ status }) => (status.podIPs ?? []).map(({ ip }) => ip));

/** Of the interfaces that Multus added, by what it has noted on the pod. */
export const secondAddressesOf = ({ metadata }: Pod): string[] =>
  (JSON.parse(metadata.annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]') as { default?: boolean; ips?: string[] }[])
    .filter((network) => network.default !== true)
    .flatMap(({ ips = [] }) => ips);

export const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;

/** The pods, when there are exactly so many and all are Ready. */
export const whenReady = (ns: string, count: number, milliseconds = 120_000): Promise<readonly Pod[]> =>
  eventually(
    async () => {
      const all = await pods(ns);
      return all.length === count && all.every(isReady) ? all : undefined;
    },
    `${count} pods of ${ns} to be Ready`,
    milliseconds,
  );

export const whenGone = (ns: string, milliseconds = 90_000): Promise<unknown> =>
  eventually(async () => (await pods(ns)).length === 0, `the pods of ${ns} to be gone`, milliseconds);

export async function freshNamespace(name: string, annotations: Readonly<Record<string, string>> = {}): Promise<string> {
  await apply(namespace(name, annotations));
  await eventually(async () => (await kubectl(['get', 'serviceaccount', 'default', '-n', name])).code === 0, `the account of ${name}`);
  return name;
}

export const deleteNamespace = (name: string): Promise<string> => mustKubectl(['delete', 'namespace', name, '--timeout=90s']);

export const bound = async (): Promise<readonly Binding[]> =>
  (await list<Binding>('addressbindings')).filter(({ spec }) => spec.releasedAt === undefined);

interface Link {
  readonly addr_info: readonly { readonly local: string; readonly scope: string }[];
}

/** Every address in every network namespace that the runtime made, by what the kernel says. */
export async function addressesInNamespaces(): Promise<string[]> {
  const found = await Promise.all(
    NODES.map(async (node) => {
      const each = 'for n in /run/netns/*; do [ -e "$n" ] && nsenter --net="$n" ip -j addr show scope global; done; true';
      const text = await onNode(node, ['sh', '-c', each]).catch(() => '');
      return text
        .split('\n')
        .filter(Boolean)
        .flatMap((line) => JSON.parse(line) as Link[])
        .flatMap(({ addr_info: addresses }) => addresses)
        .filter(({ scope }) => scope === 'global')
        .map(({ local }) => local);
    }),
  );
  return found.flat();
}

/** Runs a program of this machine in a pod's network. */
export async function inPod({ spec, status }: Pod, command: readonly string[]): Promise<number | null> {
  const find = 'for n in "$1"/*; do nsenter --net="$n" ip addr | grep -qF " $2/" && shift 2 && exec nsenter --net="$n" "$@"; done; exit 99';
  const namespaces = await pathOnNode(spec.nodeName!, '/run/netns');
  return (await execute('sh', ['-c', find, 'sh', namespaces, status.podIPs![0]!.ip, ...command])).code;
}
