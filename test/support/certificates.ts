// A certificate authority for tests: certificates for servers on the loopback address, made here because a machine
// need not have openssl. X.509 v3 in DER, ECDSA on P-256 (RFC 5280; RFC 5758 for the algorithm).
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

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

const objectIds = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  basicConstraints: [0x55, 0x1d, 0x13],
  keyUsage: [0x55, 0x1d, 0x0f],
  extendedKeyUsage: [0x55, 0x1d, 0x25],
  subjectAltName: [0x55, 0x1d, 0x11],
  serverAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
};

export function createAuthority(commonName: string): CertificateAuthority {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    extension(objectIds.basicConstraints, sequence(der(0x01, Buffer.of(0xff)))),
    // keyCertSign and cRLSign.
    extension(objectIds.keyUsage, der(0x03, Buffer.of(1, 0x06))),
  ];
  const issuer = { commonName, privateKey };
  return {
    certificatePem: certificate(issuer, commonName, privateKey, extensions),
    issue: (subject, dnsNames, addresses) => {
      const leaf = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
      const names = [
        ...dnsNames.map((name) => der(0x82, Buffer.from(name, "ascii"))),
        ...addresses.map((address) => der(0x87, Buffer.from(address.split(".").map(Number)))),
      ];
      const leafExtensions = [
        extension(objectIds.keyUsage, der(0x03, Buffer.of(7, 0x80))),
        extension(objectIds.extendedKeyUsage, sequence(der(0x06, Buffer.from(objectIds.serverAuth)))),
        extension(objectIds.subjectAltName, sequence(...names)),
      ];
      return {
        certificatePem: certificate(issuer, subject, leaf, leafExtensions),
        privateKeyPem: leaf.export({ type: "pkcs8", format: "pem" }) as string,
      };
    },
  };
}

interface Issuer {
  readonly commonName: string;
  readonly privateKey: KeyObject;
}

function certificate(issuer: Issuer, subject: string, subjectKey: KeyObject, extensions: readonly Buffer[]): string {
  const algorithm = sequence(der(0x06, Buffer.from(objectIds.ecdsaWithSha256)));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(15)])),
    algorithm,
    name(issuer.commonName),
    // Valid for as long as the two-digit years of UTCTime go.
    sequence(der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from("491231235959Z"))),
    name(subject),
    createPublicKey(subjectKey).export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, { key: issuer.privateKey, dsaEncoding: "der" });
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = whole.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

function name(commonName: string): Buffer {
  const attribute = sequence(der(0x06, Buffer.from(objectIds.commonName)), der(0x0c, Buffer.from(commonName)));
  return sequence(der(0x31, attribute));
}

/** All of ours are critical but for names and purposes, which some parsers reject when critical. */
function extension(objectId: readonly number[], value: Buffer): Buffer {
  const critical = objectId === objectIds.basicConstraints || objectId === objectIds.keyUsage;
  return sequence(
    der(0x06, Buffer.from(objectId)),
    ...(critical ? [der(0x01, Buffer.of(0xff))] : []),
    der(0x04, value),
  );
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const lengthBytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}
