/** Made from deploy/crds by `npm run generate`: do not edit. Fields with a default are optional, as for who writes the object. */
import type { ObjectMeta } from './objects.ts';

/** The record that an address is held: by whom, since when, from which pool. Its name is its network and address (default.10-244-1-7; IPv6 fully expanded), so that creating it is the lock. A released record stays a while: it keeps the address from being handed out again at once, and says who had it last. */
export interface AddressBinding {
  readonly apiVersion: 'berth-ipam.dev/v1alpha1';
  readonly kind: 'AddressBinding';
  readonly metadata: ObjectMeta;
  readonly spec: AddressBindingSpec;
}

/** The whole record. */
export interface AddressBindingSpec {
  /** The address in canonical text (RFC 5952 for IPv6). */
  readonly address: string;
  /** The uniqueness domain: within it the address has one holder. */
  readonly network: string;
  /** The AddressPool the address comes from. */
  readonly pool: string;
  /** The tenant; in Kubernetes the pod's namespace. */
  readonly subinstance: string;
  /** Who within the tenant; in Kubernetes the pod's name. */
  readonly subid: string;
  /** Which of the holder's several addresses of this family it is: 0 for the first. */
  readonly slot: number;
  /** What the holder is. */
  readonly resource: {
    /** Its kind. */
    readonly type: 'mac' | 'vm' | 'container' | 'pod' | 'custom';
    /** Its name: a pod's is namespace/name, a MAC address is in lower case with colons. */
    readonly value: string;
  };
  /** The node of the first attachment, repeated here so that it can be selected by. */
  readonly node?: string;
  /** The pod UID of the first attachment, repeated here so that it can be selected by. */
  readonly podUid?: string;
  /** Bound: held. Released: kept for a while after the release, cooling or sticky; it says who had it last. */
  readonly state: 'Bound' | 'Released';
  /** The container interfaces that hold the address: one; two while a VM is handed over; none for a binding made outside CNI, which lives until it is released or expires. */
  readonly attachments: readonly {
    /** The name of the CNI network configuration. */
    readonly cniNetwork: string;
    /** The interface in the container. */
    readonly ifName: string;
    /** The sandbox, by the runtime's own id. */
    readonly containerId: string;
    /** Which incarnation of the pod; absent where the runtime does not say. */
    readonly podUid?: string;
    /** A static pod: the absence of its mirror in the API proves nothing. */
    readonly static?: boolean;
    /** The node the container runs on. */
    readonly node: string;
    /** Which incarnation of the node. */
    readonly nodeUid?: string;
    /** How long the pod may take to end, copied when the address was bound. */
    readonly terminationGraceSeconds?: number;
    /** Orders the calls of one node without comparing clocks. */
    readonly stamp: {
      /** The boot of the node (/proc/sys/kernel/random/boot_id). */
      readonly bootId: string;
      /** The start of the plugin's process, in ticks since boot. */
      readonly startedTicks: number;
      /** The node's monotonic clock, in nanoseconds, as decimal text. */
      readonly monotonicNs: string;
      /** Counts the attempts of one call. */
      readonly attempt: number;
    };
  }[];
  /** Free text to find bindings by. */
  readonly tags?: Readonly<Record<string, string>>;
  /** When the holder got the address, by the clock of who wrote it: for people. */
  readonly boundAt: string;
  /** When the lease ends. Absent for a binding without a lease. */
  readonly expiresAt?: string;
  /** When the address was released, by the clock of who wrote it: for people. Absent while it is held. */
  readonly releasedAt?: string;
  /** The stamp of the call that released it: an older call of that container is refused. */
  readonly releasedBy?: {
    /** The boot of the node (/proc/sys/kernel/random/boot_id). */
    readonly bootId: string;
    /** The start of the plugin's process, in ticks since boot. */
    readonly startedTicks: number;
    /** The node's monotonic clock, in nanoseconds, as decimal text. */
    readonly monotonicNs: string;
    /** Counts the attempts of one call. */
    readonly attempt: number;
  };
  /** The pool's cooldownSeconds when the address was bound. */
  readonly cooldownSeconds: number;
  /** The pool's stickySeconds when the address was bound. */
  readonly stickySeconds: number;
}

/** A named set of address ranges with its policy: which addresses there are, which of them are handed out and how, and who may have one. Each address that is held is one AddressBinding. */
export interface AddressPool {
  readonly apiVersion: 'berth-ipam.dev/v1alpha1';
  readonly kind: 'AddressPool';
  readonly metadata: ObjectMeta;
  readonly spec: AddressPoolSpec;
  readonly status?: AddressPoolStatus;
}

/** What the pool is. Everything but ranges has a default. */
export interface AddressPoolSpec {
  /** The uniqueness domain: within a network no two pools overlap and no address has two holders; pools of different networks may overlap (VRFs). A DNS label, immutable. Not the name of a CNI network. */
  readonly network?: string;
  /** The addresses of the pool, of one family: each entry is either a cidr or first and last. A cidr means every address of it; what cannot be used (network, broadcast, gateway) reserves itself. */
  readonly ranges: readonly {
    /** Base address and prefix length, such as 10.244.0.0/16 or fd00:10:244::/64. */
    readonly cidr?: string;
    /** The first address of the range. */
    readonly first?: string;
    /** The last address of the range, which belongs to it. */
    readonly last?: string;
  }[];
  /** Addresses that are never handed out automatically, as an address, a CIDR or "first-last"; somebody who may ask for an address by name can still have one. Write runs as CIDRs or first-last. */
  readonly reserved?: readonly string[];
  /** The on-link subnet: its prefix length goes into the CNI result, and its network and broadcast address are reserved. The pool's only range, if that is a cidr, unless said; without one, addresses are /32 or /128. */
  readonly subnet?: string;
  /** The gateway given to holders; it reserves itself. Without one, the subnet's first address is reserved, because the bridge plugin would take it. */
  readonly gateway?: string;
  /** Routes of the CNI result. */
  readonly routes?: readonly {
    /** The destination as a CIDR; 0.0.0.0/0 and ::/0 are the default routes. */
    readonly dst: string;
    /** The next hop; the address's gateway unless said. */
    readonly gw?: string;
    /** The path's MTU in bytes (CNI 1.1.0). */
    readonly mtu?: number;
    /** The largest segment advertised to the destination in bytes (CNI 1.1.0). */
    readonly advmss?: number;
    /** The route's metric, lower first (CNI 1.1.0). */
    readonly priority?: number;
    /** The routing table's number (CNI 1.1.0). */
    readonly table?: number;
    /** The route's scope: 0 global, 253 link, 254 host (CNI 1.1.0). */
    readonly scope?: number;
  }[];
  /** DNS of the CNI result. The kubelet gives a pod its own and ignores it; other runtimes use it. */
  readonly dns?: {
    /** Addresses of DNS servers, in order of priority. */
    readonly nameservers?: readonly string[];
    /** The local domain for short names. */
    readonly domain?: string;
    /** Domains tried for short names, in order. */
    readonly search?: readonly string[];
    /** Options of the resolver, as in resolv.conf. */
    readonly options?: readonly string[];
  };
  /** Where the search for a free address starts. Home: at a place of the holder's own (a salted hash), so that it often finds its old address and replicas seldom collide. Lowest: at the lowest address. */
  readonly placement?: 'Home' | 'Lowest';
  /** How long a released address is handed out last (or not at all, see whenFull). */
  readonly cooldownSeconds?: number;
  /** When only cooling addresses are left. Reuse: the one that has cooled longest is handed out. Wait: the request is refused. */
  readonly whenFull?: 'Reuse' | 'Wait';
  /** How long a released address is kept back for a subject that returns (StatefulSet pods, VMs). Soft: the oldest yields when nothing else is free. */
  readonly stickySeconds?: number;
  /** How many addresses of this pool one party may hold. Exact on one replica, soft by what is in flight on others. */
  readonly limits?: {
    /** By tenant: in Kubernetes, by namespace. */
    readonly perSubinstance?: number;
    /** By node. */
    readonly perNode?: number;
    /** By pod. */
    readonly perPod?: number;
  };
  /** Who may use this pool, by the labels of the pod's namespace: checked on every request, whoever named the pool. Absent or empty: every namespace. */
  readonly namespaceSelector?: {
    /** Labels that must be there with exactly these values. */
    readonly matchLabels?: Readonly<Record<string, string>>;
    /** Requirements that must all hold. */
    readonly matchExpressions?: readonly {
      /** The label. */
      readonly key: string;
      /** How the label's value and the values relate. */
      readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      /** For In and NotIn: at least one. For Exists and DoesNotExist: none. */
      readonly values?: readonly string[];
    }[];
  };
  /** For which pods this pool is chosen, by their labels, when nobody names one. Absent or empty: all. */
  readonly podSelector?: {
    /** Labels that must be there with exactly these values. */
    readonly matchLabels?: Readonly<Record<string, string>>;
    /** Requirements that must all hold. */
    readonly matchExpressions?: readonly {
      /** The label. */
      readonly key: string;
      /** How the label's value and the values relate. */
      readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      /** For In and NotIn: at least one. For Exists and DoesNotExist: none. */
      readonly values?: readonly string[];
    }[];
  };
  /** For pods on which nodes this pool is chosen, by the node's labels, when nobody names one. Absent or empty: all. */
  readonly nodeSelector?: {
    /** Labels that must be there with exactly these values. */
    readonly matchLabels?: Readonly<Record<string, string>>;
    /** Requirements that must all hold. */
    readonly matchExpressions?: readonly {
      /** The label. */
      readonly key: string;
      /** How the label's value and the values relate. */
      readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      /** For In and NotIn: at least one. For Exists and DoesNotExist: none. */
      readonly values?: readonly string[];
    }[];
  };
  /** Of several pools that match, the one with the highest priority is tried first. */
  readonly priority?: number;
  /** Whether the pool is used when nobody names one and no selector of another pool matches. */
  readonly default?: boolean;
  /** Whether somebody may ask for a certain address (annotation, runtime configuration, CNI arguments). */
  readonly requestedAddresses?: 'Allowed' | 'Forbidden';
  /** Active: in use. NoNew: nothing is handed out; holders keep what they have. Draining: as NoNew, and says that the pool is to become empty, so that it can be deleted. */
  readonly state?: 'Active' | 'NoNew' | 'Draining';
}

/** What the controller says. Counts are decimal text, because a /48 has more addresses than a JSON number can count. */
export interface AddressPoolStatus {
  /** The generation of spec that the rest of the status is about. */
  readonly observedGeneration?: number;
  /** The first range and how many more there are, such as "10.244.0.0/16 +2". */
  readonly range?: string;
  /** The family of all ranges. */
  readonly family?: 'IPv4' | 'IPv6';
  /** All addresses of the ranges. */
  readonly total?: string;
  /** Addresses that are held. */
  readonly allocated?: string;
  /** Addresses that are never handed out automatically: those of spec.reserved, and network, broadcast and gateway. */
  readonly reserved?: string;
  /** Addresses released a moment ago, or kept back for who had them last. */
  readonly cooling?: string;
  /** Addresses that can be handed out now. */
  readonly available?: string;
  /** Ready: in use as written. Exhausted: nothing is left to hand out. Overlapping: another pool of the network has the same addresses. */
  readonly conditions?: readonly {
    /** What the condition is about. */
    readonly type: string;
    /** Whether it holds. */
    readonly status: 'True' | 'False' | 'Unknown';
    /** The generation of spec it was judged for. */
    readonly observedGeneration?: number;
    /** When status last changed. */
    readonly lastTransitionTime: string;
    /** Why, in one word for programs. */
    readonly reason: string;
    /** Why, in a sentence for people. */
    readonly message: string;
  }[];
}
