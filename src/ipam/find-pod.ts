/**
 * Who may ask for an address in a cluster: a pod that exists, on the node that asks, of the UID it says. A runtime
 * names a static pod by its configuration's hash, which its mirror carries as an annotation (CNI.md 3.8).
 */
import type { BindingSpec } from '../core/binding.ts';
import { done, refuse, type Outcome } from '../core/refusal.ts';
import type { CniAdd } from '../protocol.ts';
import type { Context } from './context.ts';
import type { Caller } from './operations.ts';
import type { Pod } from './workloads.ts';

export const CONFIG_MIRROR = 'kubernetes.io/config.mirror';

/** The kubelet runs it from a file or a URL; the API server's pod is only its mirror. */
export const isStatic = (pod: Pod): boolean => pod.annotations[CONFIG_MIRROR] !== undefined;

/** A UID of the API server; what names a static pod is a hash without dashes (CNI.md 3.8). */
const POD_UID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** What a single pod, and a single node, may hold at most: a stolen node token must not drain the pools. */
const MOST_PER_POD = 32;
const MOST_PER_NODE = 1_024;

/** The pod of an ADD; undefined outside a cluster. A cache that lags is asked no further than a live read. */
export async function findPod(context: Context, caller: Caller, request: CniAdd): Promise<Outcome<Pod | undefined>> {
  const { workloads } = context;
  if (workloads === undefined) return done(undefined);
  if (request.pod === undefined) {
    return refuse('NotAllowed', 'in a cluster only pods get addresses, and CNI_ARGS names none (K8S_POD_NAMESPACE, K8S_POD_NAME)');
  }
  const { namespace, name } = request.pod;
  const cached = workloads.cachedPod(namespace, name);
  const fits = cached !== undefined && objectionTo(cached, caller, request) === undefined;
  const pod = fits ? cached : await workloads.readPod(namespace, name);
  if (pod === undefined) {
    // A static pod runs before its mirror is there; any other is gone for good, and asking again would ask the API server again.
    const mayCome = request.pod.uid === undefined || !POD_UID.test(request.pod.uid);
    return refuse(mayCome ? 'Unavailable' : 'PodMismatch', `pod ${namespace}/${name} does not exist (any more)`);
  }
  return objectionTo(pod, caller, request) ?? done(pod);
}

function objectionTo(pod: Pod, caller: Caller, request: CniAdd): ReturnType<typeof refuse> | undefined {
  const name = `${pod.namespace}/${pod.name}`;
  if (pod.node !== caller.node) {
    return refuse(
      'NotAllowed',
      `pod ${name} is ${pod.node === undefined ? 'not scheduled' : `on node ${pod.node}`}, not on ${caller.node}, which asks`,
    );
  }
  const uid = request.pod?.uid;
  if (uid !== undefined && uid !== pod.uid && uid !== pod.annotations[CONFIG_MIRROR]) {
    return refuse('PodMismatch', `pod ${name} has UID ${pod.uid} now, not ${uid}: it was re-created`);
  }
  return undefined;
}

/** Why this pod or node may not have one more; undefined: it may. Asked before a new address, not before what is held. */
export function overCap(
  { view, workloads }: Context,
  caller: Pick<Caller, 'node'>,
  request: Pick<CniAdd, 'pod'>,
): ReturnType<typeof refuse> | undefined {
  if (workloads === undefined) return undefined;
  const uid = request.pod?.uid;
  // Another node may claim the UID (of a mirror it writes what it likes), and must not use up what this one's pod may hold.
  const isHere = ({ attachments }: BindingSpec) => attachments.some(({ node }) => node === caller.node);
  const ofPod = uid === undefined ? 0 : view.ledger.byPodUid(uid).filter(isHere).length;
  if (ofPod >= MOST_PER_POD)
    return refuse('LimitReached', `pod ${request.pod?.namespace}/${request.pod?.name} holds ${ofPod} addresses, the most one pod may`);
  const ofNode = view.ledger.byNode(caller.node).length;
  return ofNode >= MOST_PER_NODE
    ? refuse('LimitReached', `node ${caller.node} holds ${ofNode} addresses, the most one node may`)
    : undefined;
}
