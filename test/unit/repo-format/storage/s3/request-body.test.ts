import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { requestBody, sha256OfBody } from "../../../../../repo-format/storage/s3/request-body.ts";

describe("requestBody", () => {
  it("sends small bodies as one buffer, a single one without copying it", () => {
    const only = Buffer.from("abc");
    const body = requestBody(only);
    assert.ok(Buffer.isBuffer(body) && body.buffer === only.buffer);
    assert.deepEqual(requestBody([only, Buffer.from("d")]), Buffer.from("abcd"));
    assert.deepEqual(requestBody([]), Buffer.alloc(0));
  });

  it("streams large bodies in pieces of at most 1 MiB that are views of the buffers given", async () => {
    const parts = [randomBytes(3_000_000), Buffer.alloc(0), randomBytes(100)];
    const body = requestBody(parts);
    assert.ok(body instanceof Readable);
    const pieces = (await Array.fromAsync(body)) as Buffer[];
    assert.deepEqual(Buffer.concat(pieces), Buffer.concat(parts));
    assert.ok(pieces.every((piece) => piece.length <= 1 << 20));
    assert.ok(pieces.every((piece) => parts.some((part) => part.buffer === piece.buffer)));
  });

  it("waits for its pace before each piece, which is small then", async () => {
    const parts = [randomBytes(300_000), randomBytes(100)];
    const paced: number[] = [];
    const body = requestBody(parts, async (bytes) => void paced.push(bytes));
    assert.deepEqual(Buffer.concat((await Array.fromAsync(body as Readable)) as Buffer[]), Buffer.concat(parts));
    assert.ok(paced.every((bytes) => bytes <= 16 * 1024));
    assert.equal(
      paced.reduce((sum, bytes) => sum + bytes, 0),
      300_100,
    );
  });

  it("sha256OfBody is the hash of all parts together", () => {
    const expected = createHash("sha256").update("abcdef").digest("hex");
    assert.equal(sha256OfBody([Buffer.from("abc"), Buffer.from("def")]), expected);
    assert.equal(sha256OfBody(Buffer.from("abcdef")), expected);
  });
});
