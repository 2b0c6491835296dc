/** What an API server and its callers need to know each other, made when it starts: for one alone and for a whole cluster. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { must } from '../../cmd/dev/execute.ts';

/** Writes ca.crt, ca.key, server.crt, server.key and service-account.key. @param names as openssl's subjectAltName */
export async function writeCertificates(file: (name: string) => string, names: string): Promise<void> {
  const common = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-set_serial'];
  await must('openssl', [...common, '1', '-subj', '/CN=berth-test-ca', '-keyout', file('ca.key'), '-out', file('ca.crt')]);
  await must('openssl', [
    ...[...common, '2', '-subj', '/CN=kube-apiserver', '-keyout', file('server.key'), '-out', file('server.crt')],
    ...['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `subjectAltName=${names}`],
  ]);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file('service-account.key'), privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
}

export interface Access {
  readonly server: string;
  readonly caFile: string;
  readonly token: string;
  readonly namespace?: string;
}

/** A kubeconfig with one context; JSON is YAML. */
export function writeAccess(path: string, { server, caFile, token, namespace }: Access): void {
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'user', ...(namespace !== undefined && { namespace }) } }],
    'current-context': 'test',
  };
  writeFileSync(path, JSON.stringify(document, undefined, 2), { mode: 0o600 });
}
