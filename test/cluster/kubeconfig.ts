/** What a program needs to be a service account on the cluster tier's API server. */
import { join } from 'node:path';
import { writeAccess } from '../support/api-server-certificates.ts';
import { apiServer } from '../support/cluster.ts';
import { mintToken } from '../support/service-account-token.ts';

export async function writeKubeconfig(directory: string, namespace: string, account: string): Promise<string> {
  const { url: server, caFile } = apiServer();
  const path = join(directory, `${account}.kubeconfig`);
  writeAccess(path, { server, caFile, token: await mintToken({ namespace, account }), namespace });
  return path;
}
