import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAnswerHead } from "../../../../../repo-format/storage/s3/answer-head.ts";

function head(...lines: string[]): ReturnType<typeof parseAnswerHead> {
  return parseAnswerHead(lines.join("\r\n"));
}

test("a plain answer tells its status, its headers and where its body ends", () => {
  assert.deepEqual(
    head("HTTP/1.1 206 Partial Content", "Content-Length: 12 ", 'ETag:\t"a: b"', "X-Amz-Meta: 1", "x-amz-meta: 2"),
    {
      status: 206,
      headers: { "content-length": "12", etag: '"a: b"', "x-amz-meta": "1, 2" },
      bodyBytes: 12,
      keepsConnection: true,
    },
  );
});

test("a connection that the store closes is not used again", () => {
  assert.equal(head("HTTP/1.1 200 OK", "content-length: 0", "Connection: Close")?.keepsConnection, false);
  assert.equal(head("HTTP/1.1 200", "content-length: 0", "Connection: foo, close")?.keepsConnection, false);
  assert.equal(head("HTTP/1.1 200", "content-length: 0", "Connection: keep-alive")?.keepsConnection, true);
});

test("whatever leaves a doubt about the body's end is not understood", () => {
  for (const lines of [
    ["HTTP/1.1 200 OK"],
    ["HTTP/1.1 200 OK", "content-length: 5", "Transfer-Encoding: chunked"],
    ["HTTP/1.1 200 OK", "content-length: 5", "content-length: 6"],
    ["HTTP/1.1 200 OK", "content-length: -5"],
    ["HTTP/1.1 200 OK", "content-length: 0x5"],
    ["HTTP/1.1 200 OK", "content-length: 5", "no header at all"],
    ["HTTP/1.1 200 OK", "content-length: 5", " folded"],
    ["HTTP/1.1 100 Continue", "content-length: 5"],
    ["HTTP/1.0 200 OK", "content-length: 5"],
    ["HTTP/2 200", "content-length: 5"],
    ["SSH-2.0-OpenSSH"],
  ]) {
    assert.equal(head(...lines), undefined, lines.join(" | "));
  }
});
