/** A CA, the API server's certificate, and tokens: nodes are system:node:NAME, as NodeRestriction wants them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeAccess, writeCertificates } from '../../test/support/api-server-certificates.ts';
import { API_ADDRESS, API_PORT, at, FIRST_SERVICE, kubeconfig, NODES } from './layout.ts';

export const ADMIN = 'admin';

/** Name of the kubeconfig: user and group. */
const PEOPLE: Readonly<Record<string, readonly [string, string]>> = {
  [ADMIN]: ['admin', 'system:masters'],
  'kube-controller-manager': ['system:kube-controller-manager', ''],
  'kube-scheduler': ['system:kube-scheduler', ''],
  'kube-proxy': ['system:kube-proxy', ''],
  ...Object.fromEntries(NODES.map((node) => [node, [`system:node:${node}`, 'system:nodes'] as const])),
};

export async function writeCredentials(): Promise<void> {
  for (const folder of ['pki', 'kubeconfigs']) mkdirSync(at(folder), { recursive: true, mode: 0o700 });
  const file = (name: string): string => at('pki', name);
  await writeCertificates(file, `IP:127.0.0.1,IP:${API_ADDRESS},IP:${FIRST_SERVICE},DNS:kubernetes.default.svc`);
  const tokens = Object.entries(PEOPLE).map(([who, [user, group]]) => {
    const token = randomBytes(24).toString('base64url');
    writeAccess(kubeconfig(who), { server: `https://${API_ADDRESS}:${API_PORT}`, caFile: file('ca.crt'), token });
    return [token, user, user, ...(group === '' ? [] : [group])].join(',');
  });
  writeFileSync(file('tokens.csv'), `${tokens.join('\n')}\n`, { mode: 0o600 });
}
