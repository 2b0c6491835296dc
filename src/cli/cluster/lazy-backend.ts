/** The cluster's backend, loaded at its first use: the Kubernetes client costs half a second that no other command pays. */
import type { Backend } from '../../client/backend.ts';

export function lazyBackend(load: () => Promise<Backend>): Backend {
  let loaded: Promise<Backend> | undefined;
  const open = (): Promise<Backend> => (loaded ??= load());
  return {
    listPools: async () => (await open()).listPools(),
    getPool: async (name) => (await open()).getPool(name),
    applyPool: async (pool, options) => (await open()).applyPool(pool, options),
    deletePool: async (name, options) => (await open()).deletePool(name, options),
    listBindings: async (query, page) => (await open()).listBindings(query, page),
    async *eachBinding(query, pageSize) {
      yield* (await open()).eachBinding(query, pageSize);
    },
    getBinding: async (network, address) => (await open()).getBinding(network, address),
    allocate: async (body) => (await open()).allocate(body),
    release: async (body) => (await open()).release(body),
    renew: async (body) => (await open()).renew(body),
    stats: async () => (await open()).stats(),
    explain: async (network, address) => (await open()).explain(network, address),
    explainPod: async (namespace, name, pools) => (await open()).explainPod(namespace, name, pools),
    checkStore: async (body) => (await open()).checkStore(body),
    collect: async (body) => (await open()).collect(body),
    version: async () => (await open()).version(),
    readiness: async () => (await open()).readiness(),
    backup: async (sink) => (await open()).backup(sink),
    async *events(follow) {
      yield* (await open()).events(follow);
    },
    close: () => void loaded?.then((backend) => backend.close()).catch(() => undefined),
  };
}
