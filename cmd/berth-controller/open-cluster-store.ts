/**
 * --store kubernetes: pools and bindings as custom resources, pods and nodes watched beside them, one of the replicas
 * elected to collect. Asks nobody before it returns: while the API server is away the controller is there and not ready.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { clusterNodes } from '../../src/ipam/cluster-nodes.ts';
import type { Log } from '../../src/ipam/ports.ts';
import { AUTHORITY_SECRET, openAuthority } from '../../src/kubernetes/authority.ts';
import { answerCollectRequests } from '../../src/kubernetes/collect-requests.ts';
import { startElection } from '../../src/kubernetes/leader.ts';
import { createMetricsAccess } from '../../src/kubernetes/metrics-access.ts';
import { openCluster } from '../../src/kubernetes/open-client.ts';
import { keepPoolStatus } from '../../src/kubernetes/pool-status.ts';
import { openKubernetesStore } from '../../src/kubernetes/store.ts';
import { createTokenReviewer } from '../../src/kubernetes/token-review.ts';
import { watchWorkloads } from '../../src/kubernetes/workloads.ts';
import { SERVER_NAME } from '../../src/protocol.ts';
import { explainFailure } from './explain-failure.ts';
import type { KubernetesChoice } from './flags.ts';
import type { OpenedStore } from './open-store.ts';
import { systemTimers as timers } from './timers.ts';

const LEADER_LEASE = 'berth-controller';
/** That of deploy/rbac. */
const NAMESPACE = 'berth';

/** Throws StartFailure when there is no usable configuration. */
export function openClusterStore(
  { nodeGoneAfterMs, advertise: urls, nodeServiceAccount, ...choice }: KubernetesChoice,
  log: Log,
): OpenedStore {
  const random = (): number => Math.random();
  const api = ((): ReturnType<typeof openCluster> => {
    try {
      return openCluster({ ...choice, timers, random });
    } catch (error) {
      throw explainFailure('find the cluster', error);
    }
  })();
  const world = { client: api.client, timers, random, log };
  const store = openKubernetesStore(world);
  const workloads = watchWorkloads(world);
  const namespace = choice.namespace ?? api.namespace ?? NAMESPACE;
  const identity = `${hostname()}_${randomUUID()}`;
  const election = startElection({ ...world, namespace, name: LEADER_LEASE, identity });
  const leads = (): boolean => election.leads();
  return {
    kind: 'kubernetes',
    store,
    nodes: clusterNodes(workloads),
    cluster: { workloads, leads, nodeGoneAfterMs },
    staleSeconds: () => ({ ...workloads.staleSeconds(), ...store.staleSeconds() }),
    keepStatus: (ipam) => {
      const stops = [
        keepPoolStatus({ ...world, ipam, leads }),
        answerCollectRequests({ ...world, namespace, leads: () => leads() && ipam.synced(), collect: (request) => ipam.collect(request) }),
      ];
      return () => stops.forEach((stop) => stop());
    },
    openIdentity: () => {
      const authority = openAuthority({ ...world, namespace, serverName: SERVER_NAME, identity, urls });
      return {
        tls: { from: AUTHORITY_SECRET, read: () => authority.read() },
        nodeOfToken: createTokenReviewer({ client: api.client, clock: timers, serviceAccount: nodeServiceAccount }),
        readerOfToken: createMetricsAccess(api.client),
        stop: () => authority.stop(),
      };
    },
    close: async () => {
      await election.stop();
      workloads.stop();
      await store.close();
      await api.close();
    },
  };
}
