import assert from "node:assert/strict";
import { test } from "node:test";
import { generateMasterKey } from "../../../../repo-format/crypto/master-key.ts";
import { calibrateScrypt, deriveKey } from "../../../../repo-format/crypto/password-key.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { problemOfScrypt } from "../../../../repo-format/format/key-file.ts";

test("deriveKey computes the vectors of RFC 7914 and splits them into the three keys", async () => {
  const vectors = [
    [
      { N: 16, r: 1, p: 1, salt: Buffer.alloc(0) },
      "",
      "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
    ],
    [
      { N: 1024, r: 8, p: 16, salt: Buffer.from("NaCl") },
      "password",
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
    ],
  ] as const;
  for (const [parameters, password, expected] of vectors) {
    const key = await deriveKey(password, parameters);
    assert.equal(key.encrypt.toString("hex"), expected.slice(0, 64));
    assert.equal(key.macK.toString("hex"), expected.slice(64, 96));
    assert.equal(key.macR.toString("hex"), expected.slice(96));
  }
});

test("deriveKey has the memory that restic's usual parameters need", async () => {
  await deriveKey("x", { N: 32_768, r: 8, p: 2, salt: Buffer.alloc(64) });
});

test("deriveKey refuses parameters that would exhaust the host", async () => {
  await assert.rejects(deriveKey("x", { N: 2 ** 24, r: 8, p: 1, salt: Buffer.alloc(64) }), (error) =>
    RepositoryError.is(error, "key-malformed"),
  );
});

test("calibrateScrypt gives parameters that every reader accepts", async () => {
  const parameters = await calibrateScrypt();
  assert.equal(problemOfScrypt(parameters), undefined);
  assert.equal(parameters.N, 32_768);
  assert.equal(parameters.r, 8);
});

test("generateMasterKey takes all its bits from the generator", () => {
  const key = generateMasterKey((count) => Buffer.from(Array.from({ length: count }, (_, index) => index)));
  assert.equal(
    Buffer.concat([key.encrypt, key.macK, key.macR]).toString("hex"),
    Buffer.from([...Array(64).keys()]).toString("hex"),
  );
  assert.deepEqual([key.encrypt.length, key.macK.length, key.macR.length], [32, 16, 16]);
});
