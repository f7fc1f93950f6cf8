// Certificates that this program makes itself, because neither Node nor every machine can: X.509 v3 in DER, ECDSA on P-256
// (RFC 5280; RFC 5758 for the algorithm).
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

export interface CertificateWish {
  readonly commonName: string;
  /** DNS names and addresses under which the server is reached. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch; both before the year 2050. */
  readonly validFromMs: number;
  readonly validToMs: number;
  /** Who signs; absent: its own key. */
  readonly issuer?: Issuer;
  /** True when it may sign others. */
  readonly isAuthority?: boolean;
}

export interface Issuer {
  readonly commonName: string;
  readonly privateKey: KeyObject;
}

export interface Certificate {
  readonly certificatePem: string;
  readonly privateKey: KeyObject;
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

/** With a new key. */
export function makeCertificate(wish: CertificateWish): Certificate {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = wish.issuer ?? { commonName: wish.commonName, privateKey };
  const algorithm = sequence(der(0x06, Buffer.from(objectIds.ecdsaWithSha256)));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(15)])),
    algorithm,
    name(issuer.commonName),
    sequence(time(wish.validFromMs), time(wish.validToMs)),
    name(wish.commonName),
    createPublicKey(privateKey).export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensionsOf(wish))),
  );
  const signature = sign("sha256", body, { key: issuer.privateKey, dsaEncoding: "der" });
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = whole.toString("base64").replaceAll(/.{1,64}/g, "$&\n");
  return { certificatePem: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`, privateKey };
}

function extensionsOf({ isAuthority = false, hosts }: CertificateWish): Buffer[] {
  if (isAuthority) {
    return [
      extension(objectIds.basicConstraints, sequence(der(0x01, Buffer.of(0xff)))),
      // keyCertSign and cRLSign.
      extension(objectIds.keyUsage, der(0x03, Buffer.of(1, 0x06))),
    ];
  }
  return [
    // digitalSignature.
    extension(objectIds.keyUsage, der(0x03, Buffer.of(7, 0x80))),
    extension(objectIds.extendedKeyUsage, sequence(der(0x06, Buffer.from(objectIds.serverAuth)))),
    extension(objectIds.subjectAltName, sequence(...hosts.map(hostName))),
  ];
}

function hostName(host: string): Buffer {
  if (isIP(host) === 4) return der(0x87, Buffer.from(host.split(".").map(Number)));
  if (isIP(host) === 6) return der(0x87, bytesOfIpv6(host));
  return der(0x82, Buffer.from(host, "ascii"));
}

/** The groups that "::" stands for are zero; the URL parser has turned a dotted end into groups. */
function bytesOfIpv6(address: string): Buffer {
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groupsOf = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [left, right] = [groupsOf(head), groupsOf(tail ?? "")];
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** UTCTime, which has two digits for the year. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
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
