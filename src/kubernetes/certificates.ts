/** X.509 certificates (RFC 5280) as the controllers need them: a CA, and what it signs for one server name. */
// oxlint-disable-next-line import/no-unassigned-import -- what it adds to Reflect is all there is of it, and x509 needs it
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

cryptoProvider.set(webcrypto as Crypto);

/** Both in PEM form. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
/** Nodes' clocks may be behind the controller's. */
const BACKDATED_MS = 3_600_000;

/** A CA of our own. @param now wall clock, milliseconds */
export async function makeAuthority(now: number, days: number): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Berth controllers',
    ...validity(now, days),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: await privateKeyText(keys.privateKey) };
}

/** A server's certificate for one DNS name. */
export async function issueCertificate(authority: KeyPair, serverName: string, now: number, days: number): Promise<KeyPair> {
  const keys = await generateKeys();
  const issuer = new X509Certificate(authority.cert);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(authority.key), ALGORITHM, false, ['sign']);
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${serverName}`,
    issuer: issuer.subject,
    ...validity(now, days),
    publicKey: keys.publicKey,
    signingKey: signingKey as CryptoKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: serverName }]),
    ],
  });
  return { cert: certificate.toString('pem'), key: await privateKeyText(keys.privateKey) };
}

/** Throws for what is no certificate. */
export function validityOf(cert: string): Validity {
  const { notBefore, notAfter } = new X509Certificate(cert);
  return { notBefore: notBefore.getTime(), notAfter: notAfter.getTime() };
}

const validity = (now: number, days: number): { readonly notBefore: Date; readonly notAfter: Date } => ({
  notBefore: new Date(now - BACKDATED_MS),
  notAfter: new Date(now + days * DAY_MS),
});

const generateKeys = async (): Promise<webcrypto.CryptoKeyPair> =>
  (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;

async function privateKeyText(key: CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key as webcrypto.CryptoKey);
  return PemConverter.encode(bytes, PemConverter.PrivateKeyTag);
}
