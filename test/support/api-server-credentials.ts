/** Certificates, keys and a kubeconfig for one API server, made when it starts. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { writeAccess, writeCertificates } from './api-server-certificates.ts';

export interface Credentials {
  readonly adminToken: string;
  readonly kubeconfig: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Signs service-account tokens, and checks them. */
  readonly serviceAccountKeyFile: string;
}

export async function writeCredentials(directory: string, port: number): Promise<Credentials> {
  const file = (name: string): string => join(directory, name);
  await writeCertificates(file, 'IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc');
  const adminToken = randomBytes(24).toString('base64url');
  const [kubeconfig, caFile] = [file('kubeconfig'), file('ca.crt')];
  writeAccess(kubeconfig, { server: `https://127.0.0.1:${port}`, caFile, token: adminToken });
  return {
    adminToken,
    kubeconfig,
    caFile,
    certificateFile: file('server.crt'),
    keyFile: file('server.key'),
    serviceAccountKeyFile: file('service-account.key'),
  };
}
