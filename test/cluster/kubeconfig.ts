/** What a program needs to be a service account on the cluster tier's API server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiServer } from '../support/cluster.ts';
import { mintToken } from '../support/service-account-token.ts';

export async function writeKubeconfig(directory: string, namespace: string, account: string): Promise<string> {
  const { url, caFile } = apiServer();
  const path = join(directory, `${account}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace } }],
    clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name: 'u', user: { token: await mintToken({ namespace, account }) } }],
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}
