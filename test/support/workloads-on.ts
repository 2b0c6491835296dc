/** Pretended nodes and pods on a real API server: there is no kubelet, so tests and benchmarks write what one would. */
import type { ApiServer } from './api-server.ts';
import type { HttpAnswer } from './http.ts';

const must = ({ status, text, json }: HttpAnswer): any => {
  if (status >= 300) throw new Error(`the API server answers ${status}: ${text}`);
  return json;
};

export interface PretendedNode {
  renew(): Promise<void>;
  /** Renews twice a second, as soon as the API server lets it, until the returned function is called. */
  keepRenewing(): () => void;
  /** Also: it is no longer, or again, Ready. */
  reboot(bootId: string, ready?: boolean): Promise<void>;
}

/** @param request asks the API server as its administrator */
export function workloadsOn(request: ApiServer['request']) {
  /** A node that is Ready, runs the boot, and renews its Lease when `renew` is called. */
  async function makeNode(name: string, bootId: string): Promise<PretendedNode> {
    await request('DELETE', `/api/v1/nodes/${name}`);
    must(await request('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } }));
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const reboot = async (id: string, ready = true): Promise<void> => {
      const { metadata } = must(await request('GET', `/api/v1/nodes/${name}`));
      const status = {
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown', reason: 'x', message: 'x' }],
        nodeInfo: nodeInfo(id),
      };
      must(await request('PUT', `/api/v1/nodes/${name}/status`, { apiVersion: 'v1', kind: 'Node', metadata, status }));
    };
    const renew = async (): Promise<void> => {
      const current = await request('GET', `${leases}/${name}`);
      const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: new Date().toISOString().replace('Z', '000Z') };
      const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec };
      if (current.status === 404) must(await request('POST', leases, { ...lease, metadata: { name } }));
      else must(await request('PUT', `${leases}/${name}`, { ...lease, metadata: current.json.metadata }));
    };
    await makeNamespace('kube-node-lease');
    await reboot(bootId);
    await renew();
    const keepRenewing = (): (() => void) => {
      const renewing = setInterval(() => void renew().catch(() => undefined), 500);
      return () => clearInterval(renewing);
    };
    return { renew, keepRenewing, reboot };
  }

  /** One of very many: it runs the boot, and is Ready; nobody renews its Lease, for there is none. */
  async function makeBareNode(name: string, bootId: string): Promise<void> {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
    must(await request('POST', '/api/v1/nodes', node));
    const conditions = [{ type: 'Ready', status: 'True', reason: 'x', message: 'x' }];
    must(await request('PUT', `/api/v1/nodes/${name}/status`, { ...node, status: { conditions, nodeInfo: nodeInfo(bootId) } }));
  }

  /** With the service account "default", without which the API server takes no pod. */
  async function makeNamespace(name: string): Promise<void> {
    const made = await request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    if (made.status !== 409) must(made);
    const account = await request('POST', `/api/v1/namespaces/${name}/serviceaccounts`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default' },
    });
    if (account.status !== 409) must(account);
  }

  /** Scheduled on the node; returns its UID. */
  async function makePod(namespace: string, name: string, node: string, metadata: object = {}, spec: object = {}): Promise<string> {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name, namespace },
      spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'x' }], ...spec },
    };
    return must(await request('POST', `/api/v1/namespaces/${namespace}/pods`, pod)).metadata.uid;
  }

  /** What a kubelet reports. */
  async function reportPod(namespace: string, name: string, status: object): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const { metadata } = must(await request('GET', path));
    must(await request('PUT', `${path}/status`, { apiVersion: 'v1', kind: 'Pod', metadata, status }));
  }

  /** As a kubelet does in the end: gone at once. */
  async function deletePod(namespace: string, name: string): Promise<void> {
    must(await request('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { gracePeriodSeconds: 0 }));
  }

  return { makeNode, makeBareNode, makeNamespace, makePod, reportPod, deletePod };
}

const nodeInfo = (bootID: string): object => ({
  bootID,
  architecture: 'amd64',
  containerRuntimeVersion: 'x',
  kernelVersion: 'x',
  kubeProxyVersion: 'x',
  kubeletVersion: 'x',
  machineID: 'x',
  operatingSystem: 'linux',
  osImage: 'x',
  systemUUID: 'x',
});
