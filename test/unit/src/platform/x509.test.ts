import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { makeCertificate } from "../../../../src/platform/x509.ts";

const validity = { validFromMs: Date.UTC(2026, 0, 2, 3, 4, 5), validToMs: Date.UTC(2036, 11, 31, 23, 59, 59) };

describe("makeCertificate", () => {
  it("makes a certificate that signs itself, for names and addresses of both kinds", () => {
    const hosts = ["stowage.example", "10.1.2.3", "::1", "fd00:1:2::1.2.3.4", "1:2:3:4:5:6:7:8"];
    const { certificatePem, privateKey } = makeCertificate({ ...validity, commonName: "a name", hosts });
    const read = new X509Certificate(certificatePem);
    assert.ok(read.verify(read.publicKey));
    assert.ok(read.checkPrivateKey(createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }))));
    assert.equal(read.checkHost("stowage.example"), "stowage.example");
    assert.equal(read.checkHost("other.example"), undefined);
    for (const ip of ["10.1.2.3", "::1", "fd00:1:2::102:304", "1:2:3:4:5:6:7:8"]) assert.equal(read.checkIP(ip), ip);
    assert.equal(read.checkIP("10.1.2.4"), undefined);
    assert.equal(read.ca, false);
    assert.equal(new Date(read.validFrom).getTime(), validity.validFromMs);
    assert.equal(new Date(read.validTo).getTime(), validity.validToMs);
  });

  it("makes an authority, and certificates that it has signed", () => {
    const authority = makeCertificate({ ...validity, commonName: "authority", hosts: [], isAuthority: true });
    const issuer = { commonName: "authority", privateKey: authority.privateKey };
    const { certificatePem } = makeCertificate({ ...validity, commonName: "leaf", hosts: ["leaf.example"], issuer });
    const [top, leaf] = [new X509Certificate(authority.certificatePem), new X509Certificate(certificatePem)];
    assert.equal(top.ca, true);
    assert.ok(leaf.checkIssued(top) && leaf.verify(top.publicKey));
    assert.equal(leaf.verify(leaf.publicKey), false);
    assert.notEqual(leaf.serialNumber, top.serialNumber);
  });
});
