/** A client of a real API server: kubeconfig or service account, one shared dispatcher, the machine's sockets. */
import type { Timers } from '../core/clock.ts';
import { createClient, type Client } from './client.ts';
import { openCredentials } from './credentials.ts';
import { undiciTransport } from './undici-transport.ts';

export interface ClusterOptions {
  /** Else KUBECONFIG, ~/.kube/config, or the service account of the pod this runs in. */
  readonly kubeconfigFile?: string;
  readonly context?: string;
  readonly timers: Timers;
  /** 0 to 1, for the jitter of retries. */
  readonly random: () => number;
}

export interface Cluster {
  readonly client: Client;
  /** The namespace of the context, or of the pod. */
  readonly namespace: string | undefined;
  close(): Promise<void>;
}

/** Throws with one sentence when there is no usable configuration; asks nobody yet. */
export function openCluster({ timers, random, ...where }: ClusterOptions): Cluster {
  const credentials = openCredentials({ ...where, clock: timers });
  return {
    client: createClient({ transport: undiciTransport(credentials), timers, random }),
    namespace: credentials.namespace,
    close: () => credentials.close(),
  };
}
