import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { listenForShutdown, ShutdownReason } from "../../../../src/platform/shutdown.ts";

test("SIGTERM fires the signal with its name, SIGHUP does nothing", () => {
  const source = new EventEmitter();
  const shutdown = listenForShutdown(source);
  source.emit("SIGHUP");
  assert.equal(shutdown.signal.aborted, false);
  source.emit("SIGTERM");
  source.emit("SIGINT");
  assert.ok(shutdown.signal.reason instanceof ShutdownReason);
  assert.equal(shutdown.signal.reason.signalName, "SIGTERM");
});

test("dispose takes all handlers off", () => {
  const source = new EventEmitter();
  listenForShutdown(source).dispose();
  assert.deepEqual(source.eventNames(), []);
});
