/** Real tokens of an API server (TokenRequest), as the kubelet's projected volumes get them. */
import type { ApiServer } from './api-server.ts';

export interface TokenWanted {
  readonly namespace: string;
  readonly account: string;
  readonly audience?: string;
  /** The pod it is bound to. */
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly seconds?: number;
}

/** @param request asks the API server as its administrator */
export async function mintTokenOn(
  request: ApiServer['request'],
  { namespace, account, audience, pod, seconds = 3600 }: TokenWanted,
): Promise<string> {
  const answer = await request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      expirationSeconds: seconds,
      ...(audience !== undefined && { audiences: [audience] }),
      ...(pod && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }),
    },
  });
  if (answer.status >= 300) throw new Error(`no token: ${answer.text}`);
  return answer.json.status.token as string;
}

/** The installer's on a node: what says which node asks. */
export const installerToken = (pod: { readonly name: string; readonly uid: string }): TokenWanted => ({
  namespace: 'berth',
  account: 'berth-node',
  audience: 'berth',
  pod,
});
