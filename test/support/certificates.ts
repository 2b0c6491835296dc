/** Certificates made for one test by the openssl command. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pair {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate authority in `folder`. */
export function makeAuthority(folder: string, name: string): Pair {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  openssl('req', '-x509', ...newKey, '-keyout', keyFile, '-out', certFile, '-days', '2', '-subj', `/CN=${name}`);
  return read(certFile, keyFile);
}

/**
 * A certificate that the authority signed, for `names` and with `subject` ("/CN=node-1"); `days` may be negative: expired.
 */
export function makeCertificate(
  folder: string,
  name: string,
  subject: string,
  authority: Pair,
  days = 2,
  names = 'IP:127.0.0.1,DNS:localhost',
): Pair {
  const [certFile, keyFile, requestFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`), join(folder, `${name}.csr`)];
  const extensions = join(folder, `${name}.ext`);
  writeFileSync(extensions, `subjectAltName=${names}\n`);
  openssl('req', ...newKey, '-keyout', keyFile, '-out', requestFile, '-subj', subject);
  const signed = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial', '-days', String(days), '-extfile', extensions];
  openssl('x509', '-req', '-in', requestFile, '-out', certFile, ...signed);
  return read(certFile, keyFile);
}

const read = (certFile: string, keyFile: string): Pair => ({
  certFile,
  keyFile,
  cert: readFileSync(certFile, 'utf8'),
  key: readFileSync(keyFile, 'utf8'),
});
