/** What is sent: ADDs as a plugin makes them, and bindings as the controller would write them. */
import { BOOT, NODE } from './stage.ts';

export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

let ticks = 0;
let next = 0;

export const newStamp = (bootId = BOOT): object => ({ bootId, startedTicks: ++ticks, monotonicNs: String(ticks), attempt: 0 });

export interface AddsOptions {
  readonly pools?: readonly string[];
  readonly bootId?: string;
}

/** An ADD for each pod, of an interface of its own. */
export const adds = (pods: readonly Pod[], ifName: string, { pools = ['bench'], bootId = BOOT }: AddsOptions = {}): object[] =>
  pods.map(({ name, uid }) => ({
    cniVersion: '1.0.0',
    cniNetwork: 'bench',
    containerId: `c-${name}`,
    ifName: ifName.slice(0, 15),
    pod: { namespace: 'bench', name, uid },
    pools,
    stamp: newStamp(bootId),
  }));

export interface BindingOf {
  /** Also its network. */
  readonly pool: string;
  readonly node?: string;
  /** Of whom it is; absent: of a pod that nobody has to know. */
  readonly pod?: Pod;
}

/** A binding, each with the next address of 10.64.0.0/12. */
export function binding({ pool, pod, node = NODE }: BindingOf): object {
  next++;
  const parts = [10, 64 + (next >>> 16), (next >>> 8) & 255, next & 255];
  const { name, uid } = pod ?? { name: `p-${next}`, uid: `uid-p-${next}` };
  return {
    apiVersion: 'berth-ipam.dev/v1alpha1',
    kind: 'AddressBinding',
    metadata: { name: `${pool}.${parts.join('-')}` },
    spec: {
      address: parts.join('.'),
      network: pool,
      pool,
      subinstance: 'bench',
      subid: name,
      slot: 0,
      resource: { type: 'pod', value: `bench/${name}` },
      node,
      podUid: uid,
      state: 'Bound',
      // Static: nobody collects it for want of a pod.
      attachments: [
        { cniNetwork: pool, ifName: 'eth0', containerId: name, podUid: uid, node, static: pod === undefined, stamp: newStamp() },
      ],
      boundAt: '2026-01-01T00:00:00.000Z',
      cooldownSeconds: 30,
      stickySeconds: 0,
    },
  };
}

export const bindings = (count: number, pool: string, node = NODE): object[] =>
  Array.from({ length: count }, () => binding({ pool, node }));
