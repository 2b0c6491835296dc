/** Pretended nodes and pods on the cluster tier's API server, and the installers whose tokens say which node asks. */
import { randomUUID } from 'node:crypto';
import { request } from './cluster.ts';
import { mintToken, type TokenWanted } from './service-account-token.ts';
import { installerToken } from './tokens-on.ts';
import { workloadsOn } from './workloads-on.ts';

export type { PretendedNode } from './workloads-on.ts';

export const { makeNode, makeNamespace, makePod, reportPod, deletePod } = workloadsOn(request);

export const newBootId = (): string => randomUUID();

/** A pod of the installer's on the node, and what its token is bound to. */
export async function makeInstaller(name: string, node: string): Promise<TokenWanted> {
  const uid = await makePod('berth', name, node, {}, { serviceAccountName: 'berth-node' });
  return installerToken({ name, uid });
}

/** Its token, as the kubelet would project it. */
export const mintInstallerToken = async (name: string, node: string): Promise<string> => mintToken(await makeInstaller(name, node));
