import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import {
  decodeKeyFile,
  decodeMasterKey,
  encodeKeyFile,
  encodeMasterKey,
  type KeyFile,
} from "../../../../repo-format/format/key-file.ts";

const key: KeyFile = {
  created: "2024-01-02T03:04:05.678Z",
  username: "root",
  hostname: "node-1",
  kdf: "scrypt",
  N: 32_768,
  r: 8,
  p: 5,
  salt: Buffer.alloc(64, 7),
  data: Buffer.alloc(160, 9),
};

function isMalformed(error: unknown): boolean {
  return RepositoryError.is(error, "key-malformed");
}

test("a key file survives both ways, with restic's keys in restic's order", () => {
  assert.deepEqual(decodeKeyFile(encodeKeyFile(key)), key);
  assert.match(
    encodeKeyFile(key).toString(),
    /^{"created":"[^"]+","username":"root","hostname":"node-1","kdf":"scrypt","N":32768,"r":8,"p":5,"salt":"Bw[^"]+","data":"CQ[^"]+"}$/,
  );
});

test("parameters seen in the wild are accepted", () => {
  for (const [N, r, p] of [
    [65_536, 8, 1],
    [131_072, 8, 1],
    [128, 1, 1],
    [32_768, 8, 10],
    [262_144, 8, 1],
  ] as const) {
    assert.equal(decodeKeyFile(encodeKeyFile({ ...key, N, r, p })).N, N);
  }
});

test("parameters that are impossible or would exhaust the host are refused", () => {
  for (const [N, r, p] of [
    [0, 8, 1],
    [1, 8, 1],
    [32_767, 8, 1],
    [524_288, 8, 1],
    [262_144, 8, 9],
    [2_147_483_648, 1, 1],
    [4_294_967_295, 1, 1],
    [32_768, 0, 1],
    [32_768, 4_294_967_295, 1],
    [2, 4_194_305, 1],
    [32_768, 8, 0],
    [32_768, 8, 65],
  ] as const) {
    assert.throws(() => decodeKeyFile(encodeKeyFile({ ...key, N, r, p })), isMalformed, `${N} ${r} ${p}`);
  }
});

test("a damaged key file is refused", () => {
  const members = JSON.parse(encodeKeyFile(key).toString()) as Record<string, unknown>;
  const bad: readonly object[] = [
    { ...members, kdf: "argon2" },
    { ...members, kdf: undefined },
    { ...members, N: "32768" },
    { ...members, N: 1.5 },
    { ...members, salt: "AAAA" },
    { ...members, salt: "*" },
    { ...members, data: "" },
    { ...members, data: Buffer.alloc(5000).toString("base64") },
    { ...members, created: "today" },
    [],
  ];
  for (const value of bad) assert.throws(() => decodeKeyFile(Buffer.from(JSON.stringify(value))), isMalformed);
  assert.throws(() => decodeKeyFile(Buffer.alloc(0)), isMalformed);
});

test("a master key survives both ways", () => {
  const master = { encrypt: Buffer.alloc(32, 1), macK: Buffer.alloc(16, 2), macR: Buffer.alloc(16, 3) };
  assert.deepEqual(decodeMasterKey(encodeMasterKey(master)), master);
  assert.match(encodeMasterKey(master).toString(), /^{"mac":{"k":"Ag[^"]+","r":"Aw[^"]+"},"encrypt":"AQ[^"]+"}$/);
});

test("a master key with a part that is missing, short or zero is refused, and no error shows any of it", () => {
  const secret = Buffer.alloc(32, "secret").toString("base64");
  const part = Buffer.alloc(16, 1).toString("base64");
  const zero = Buffer.alloc(16).toString("base64");
  const bad = [
    "{}",
    JSON.stringify({ mac: { k: part, r: part } }),
    JSON.stringify({ mac: { k: part }, encrypt: secret }),
    JSON.stringify({ mac: { k: zero, r: part }, encrypt: secret }),
    JSON.stringify({ mac: { k: part, r: zero }, encrypt: secret }),
    JSON.stringify({ mac: { k: part, r: part }, encrypt: Buffer.alloc(32).toString("base64") }),
    JSON.stringify({ mac: { k: secret, r: part }, encrypt: secret }),
    JSON.stringify({ mac: { k: part, r: part }, encrypt: `${secret}!` }),
    `{"encrypt":"${secret}"`,
    `${secret}`,
  ];
  for (const text of bad) {
    assert.throws(
      () => decodeMasterKey(Buffer.from(text)),
      (error) => isMalformed(error) && !JSON.stringify(error).includes(secret.slice(0, 8)),
      text,
    );
  }
});
