/** A CA, the API server's certificate, and tokens: nodes are system:node:NAME, as NodeRestriction wants them. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { must } from '../../cmd/dev/execute.ts';
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
  const common = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-set_serial'];
  await must('openssl', [...common, '1', '-subj', '/CN=berth-e2e-ca', '-keyout', file('ca.key'), '-out', file('ca.crt')]);
  await must('openssl', [
    ...[...common, '2', '-subj', '/CN=kube-apiserver', '-keyout', file('server.key'), '-out', file('server.crt')],
    ...['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `subjectAltName=IP:127.0.0.1,IP:${API_ADDRESS},IP:${FIRST_SERVICE},DNS:kubernetes.default.svc`],
  ]);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file('service-account.key'), privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  const tokens = Object.entries(PEOPLE).map(([who, [user, group]]) => {
    const token = randomBytes(24).toString('base64url');
    writeFileSync(kubeconfig(who), JSON.stringify(document(token)), { mode: 0o600 });
    return [token, user, user, ...(group === '' ? [] : [group])].join(',');
  });
  writeFileSync(file('tokens.csv'), `${tokens.join('\n')}\n`, { mode: 0o600 });
}

const document = (token: string): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'e2e', cluster: { server: `https://${API_ADDRESS}:${API_PORT}`, 'certificate-authority': at('pki', 'ca.crt') } }],
  users: [{ name: 'user', user: { token } }],
  contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: 'user' } }],
  'current-context': 'e2e',
});
