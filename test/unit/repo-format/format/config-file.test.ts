import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, RepositoryError } from "../../../../repo-format/errors.ts";
import { decodeConfig, encodeConfig } from "../../../../repo-format/format/config-file.ts";

const id = "7272fa99".repeat(8);
const stored = `{"version":2,"id":"${id}","chunker_polynomial":"379e1f8576e839"}`;

function fails(text: string, code: ErrorCode): void {
  assert.throws(
    () => decodeConfig(Buffer.from(text)),
    (error) => RepositoryError.is(error, code),
    text,
  );
}

test("a config survives both ways", () => {
  const config = { version: 2, id, chunkerPolynomial: "379e1f8576e839" } as const;
  assert.equal(encodeConfig(config).toString(), stored);
  assert.deepEqual(decodeConfig(Buffer.from(stored)), config);
  assert.equal(decodeConfig(Buffer.from(stored.replace("2", "1"))).version, 1);
});

test("rustic's fields are read, and kept when they mean nothing here", () => {
  const text = `${stored.slice(0, -1)},"is_hot":true,"append_only":true,"compression":-3,"treepack_size":4096}`;
  const config = decodeConfig(Buffer.from(text));
  assert.deepEqual(config, {
    version: 2,
    id,
    chunkerPolynomial: "379e1f8576e839",
    isHot: true,
    appendOnly: true,
    compressionLevel: -3,
    unknown: { treepack_size: 4096 },
  });
  assert.equal(encodeConfig(config).toString(), text);
});

test("a version of the future is unsupported, not damaged", () => {
  for (const version of [0, 3, 99]) fails(stored.replace(":2", `:${version}`), "repository-unsupported");
});

test("a damaged config is refused", () => {
  const bad = ["", "{", "[]", "null", "7", "{}", stored.replace("7272", "727"), stored.replace("379e", "0x37")];
  for (const text of bad.slice(0, 5)) fails(text, "config-malformed");
  fails("{}", "repository-unsupported");
  for (const text of bad.slice(6)) fails(text, "config-malformed");
  fails(stored.replace('"379e1f8576e839"', "null"), "config-malformed");
  fails(stored.replace(":2", ':"2"'), "config-malformed");
});
