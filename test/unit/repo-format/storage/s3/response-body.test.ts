import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { readBody } from "../../../../../repo-format/storage/s3/response-body.ts";

function streamOf(...chunks: string[]): Readable {
  return Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
}

describe("readBody", () => {
  it("joins the chunks into one buffer of its own", async () => {
    for (const expected of [6, undefined]) {
      const bytes = await readBody(streamOf("ab", "cdef"), expected, "config");
      assert.equal(bytes.toString(), "abcdef");
      assert.equal(bytes.buffer.byteLength, 6);
    }
  });

  it("waits for its pace after each piece, and fails when that does", async () => {
    const paced: number[] = [];
    const pace = async (bytes: number): Promise<void> => void paced.push(bytes);
    assert.equal((await readBody(streamOf("ab", "cdef"), 6, "config", pace)).toString(), "abcdef");
    assert.deepEqual(paced, [2, 4]);
    const stream = streamOf("ab", "cd");
    await assert.rejects(
      readBody(stream, 4, "config", () => Promise.reject(new Error("enough"))),
      /enough/,
    );
    assert.ok(stream.destroyed);
  });

  it("an absent body is no bytes", async () => {
    assert.equal((await readBody(undefined, undefined, "config")).length, 0);
    assert.equal((await readBody(streamOf(), 0, "config")).length, 0);
  });

  it("fewer or more bytes than were announced are object-truncated, with both numbers", async () => {
    for (const chunks of [["ab"], ["abc", "def", "ghi"]]) {
      await assert.rejects(readBody(streamOf(...chunks), 6, "config"), {
        code: "object-truncated",
        message: /of 6 bytes of config/,
      });
    }
  });

  it("passes on the error of a connection that breaks", async () => {
    const stream = new Readable({ read: () => undefined });
    stream.push("ab");
    setImmediate(() => stream.destroy(new Error("aborted")));
    await assert.rejects(readBody(stream, 6, "config"), /aborted/);
  });
});
