// A certificate authority for tests, which nobody trusts by default, and its certificates for servers on the loopback address.
import { makeCertificate } from "../../src/platform/x509.ts";

export interface Certificate {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
}

export interface CertificateAuthority {
  readonly certificatePem: string;
  /** A certificate for a server that is reached under these DNS names and IPv4 addresses. */
  issue(commonName: string, dnsNames: readonly string[], addresses: readonly string[]): Certificate;
}

const validity = { validFromMs: Date.UTC(2020, 0, 1), validToMs: Date.UTC(2049, 11, 31) };

export function createAuthority(commonName: string): CertificateAuthority {
  const authority = makeCertificate({ ...validity, commonName, hosts: [], isAuthority: true });
  const issuer = { commonName, privateKey: authority.privateKey };
  return {
    certificatePem: authority.certificatePem,
    issue: (subject, dnsNames, addresses) => {
      const hosts = [...dnsNames, ...addresses];
      const { certificatePem, privateKey } = makeCertificate({ ...validity, commonName: subject, hosts, issuer });
      return { certificatePem, privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
    },
  };
}
