/** What the pretended API server serves, and how its kinds differ. */
import {
  ADDRESS_BINDINGS,
  ADDRESS_POOLS,
  CONFIG_MAPS,
  LEASES,
  NAMESPACES,
  NODES,
  PODS,
  SECRETS,
  type KubernetesObject,
  type ResourceType,
} from '../../../src/kubernetes/objects.ts';

export interface Kind extends ResourceType {
  /** Status is written through /status alone. */
  readonly hasStatus: boolean;
  /** A PUT without a resourceVersion overwrites whatever is there; custom resources refuse it. */
  readonly allowsUnconditionalUpdate: boolean;
  /** Deletion waits for the kubelet, who confirms it with a second one without grace. */
  readonly hasGrace?: boolean;
  /** What is wrong with it, as the message of a 422. */
  readonly validate?: (object: KubernetesObject) => string | undefined;
}

const builtIn = (type: ResourceType, hasStatus = true): Kind => ({ ...type, hasStatus, allowsUnconditionalUpdate: true });

export const KINDS: readonly Kind[] = [
  { ...builtIn(PODS), hasGrace: true },
  builtIn(NODES),
  builtIn(NAMESPACES),
  builtIn(LEASES, false),
  builtIn(SECRETS, false),
  builtIn(CONFIG_MAPS, false),
  { ...ADDRESS_POOLS, hasStatus: true, allowsUnconditionalUpdate: false },
  { ...ADDRESS_BINDINGS, hasStatus: false, allowsUnconditionalUpdate: false },
];

export const kindId = ({ group, plural }: ResourceType): string => `${plural}.${group}`;
