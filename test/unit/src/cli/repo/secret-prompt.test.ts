import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { askSecret, readLine } from "../../../../../src/cli/repo/secret-prompt.ts";

describe("askSecret", () => {
  it("puts the echo out before it asks and on again after the answer", async (test) => {
    const order: string[] = [];
    const terminal = Object.assign(new PassThrough(), {
      setRawMode: (raw: boolean) => order.push(raw ? "echo off" : "echo on"),
    });
    test.mock.getter(process, "stdin", () => terminal);
    test.mock.method(process.stderr, "write", (text: string) => order.push(JSON.stringify(text)));
    terminal.write("sex\x7fcret\r");
    assert.equal(await askSecret("password: "), "secret");
    assert.deepEqual(order, ["echo off", '"password: "', "echo on", String.raw`"\n"`]);
  });
});

describe("readLine", () => {
  it("gives one line at a time and the rest at the end, however the bytes come", async () => {
    const stdin = new PassThrough();
    const source = stdin as unknown as NodeJS.ReadStream;
    for (const piece of ["fir", "st\r\nsec", "ond\nth\xc3", "\xa4rd"]) stdin.write(Buffer.from(piece, "latin1"));
    stdin.end();
    assert.equal(await readLine(source), "first");
    assert.equal(await readLine(source), "second");
    assert.equal(await readLine(source), "thärd");
    assert.equal(await readLine(new PassThrough().end() as unknown as NodeJS.ReadStream), "");
  });

  it("ends when it is interrupted", async () => {
    const interruption = new AbortController();
    const waiting = readLine(new PassThrough() as unknown as NodeJS.ReadStream, interruption.signal);
    interruption.abort();
    await assert.rejects(waiting, { code: "cancelled" });
  });
});
