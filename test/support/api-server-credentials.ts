/** Certificates, keys and a kubeconfig for one API server, made when it starts. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Credentials {
  readonly adminToken: string;
  readonly kubeconfig: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Signs service-account tokens, and checks them. */
  readonly serviceAccountKeyFile: string;
}

const run = promisify(execFile);

export async function writeCredentials(directory: string, port: number): Promise<Credentials> {
  const file = (name: string): string => join(directory, name);
  const ca = { certificate: file('ca.crt'), key: file('ca.key') };
  const server = { certificate: file('server.crt'), key: file('server.key') };
  const common = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-set_serial'];
  await run('openssl', [...common, '1', '-subj', '/CN=berth-test-ca', '-keyout', ca.key, '-out', ca.certificate]);
  await run('openssl', [
    ...[...common, '2', '-subj', '/CN=kube-apiserver', '-keyout', server.key, '-out', server.certificate],
    ...['-CA', ca.certificate, '-CAkey', ca.key, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc'],
  ]);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file('service-account.key'), privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  const adminToken = randomBytes(24).toString('base64url');
  const kubeconfig = file('kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigDocument(port, ca.certificate, adminToken), undefined, 2), { mode: 0o600 });
  return {
    adminToken,
    kubeconfig,
    caFile: ca.certificate,
    certificateFile: server.certificate,
    keyFile: server.key,
    serviceAccountKeyFile: file('service-account.key'),
  };
}

/** JSON is YAML. */
function kubeconfigDocument(port: number, caFile: string, token: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': caFile } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  };
}
