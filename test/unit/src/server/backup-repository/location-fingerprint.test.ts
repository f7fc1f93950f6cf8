import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackupStorageLocation } from "../../../../../src/api/backup-storage-location.ts";
import { locationFingerprint } from "../../../../../src/server/backup-repository/location-fingerprint.ts";

type Spec = BackupStorageLocation["spec"];

const spec: Spec = {
  provider: "aws",
  objectStorage: { bucket: "b" },
  config: { region: "r", s3Url: "http://s" },
};
const fingerprint = (change: Partial<Spec> = {}): string =>
  locationFingerprint({ metadata: { name: "default" }, spec: { ...spec, ...change } });

describe("locationFingerprint", () => {
  it("changes with everything that decides where the data are and how they are reached", () => {
    const changes: Partial<Spec>[] = [
      { provider: "local" },
      { objectStorage: { bucket: "c" } },
      { objectStorage: { bucket: "b", prefix: "p" } },
      { objectStorage: { bucket: "b", caCert: "AAAA" } },
      { objectStorage: { bucket: "b", caCertRef: { name: "s", key: "k" } } },
      { config: { region: "r", s3Url: "http://t" } },
      { config: { region: "r" } },
      { credential: { name: "s", key: "k" } },
    ];
    const all = [fingerprint(), ...changes.map(fingerprint)];
    assert.equal(new Set(all).size, all.length);
    for (const one of all) assert.match(one, /^[0-9a-f]{16}$/);
  });

  it("does not change with what only the server looks at, nor with the order of settings", () => {
    const same: Partial<Spec>[] = [
      { default: true },
      { accessMode: "ReadOnly" },
      { validationFrequency: "1h" },
      { config: { s3Url: "http://s", region: "r" } },
      { objectStorage: { bucket: "b", prefix: "" } },
    ];
    for (const change of same) assert.equal(fingerprint(change), fingerprint(), JSON.stringify(change));
  });
});
