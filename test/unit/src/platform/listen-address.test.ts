import assert from "node:assert/strict";
import { test } from "node:test";
import { parseListenAddress } from "../../../../src/platform/listen-address.ts";

test("an address is a host, which may be left out, and a port", () => {
  assert.deepEqual(parseListenAddress(":8085"), { host: "", port: 8085 });
  assert.deepEqual(parseListenAddress("127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
  assert.deepEqual(parseListenAddress("[::1]:65535"), { host: "::1", port: 65_535 });
  for (const text of ["", "8085", ":", ":port", "host:", "host:65536", "host:-1", "host:1.5", "host:1e3"]) {
    assert.equal(parseListenAddress(text), undefined, text);
  }
});
