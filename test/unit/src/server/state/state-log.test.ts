import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectChange } from "../../../../../src/kube/object-store.ts";
import { createLogger } from "../../../../../src/platform/logger.ts";
import type { Informers } from "../../../../../src/server/server-context.ts";
import { logStates } from "../../../../../src/server/state/state-log.ts";

type Change = ObjectChange<object>;

/** Informers that tell what the test wants. */
function setUp() {
  const listeners = new Map<string, (change: Change) => void>();
  const state = { isSynced: true };
  const informers = new Proxy({} as Informers, {
    get: (_, kind: string) => ({
      onChange: (listener: (change: Change) => void) => listeners.set(kind, listener),
      get isSynced() {
        return state.isSynced;
      },
    }),
  });
  const lines: Record<string, unknown>[] = [];
  logStates(informers, createLogger({ level: "debug", format: "json", write: (line) => lines.push(JSON.parse(line)) }));
  const tell = (kind: string, change: object): void => listeners.get(kind)?.(change as Change);
  return { state, tell, lines: () => lines.splice(0).map(({ time, ...line }) => line) };
}

const metadata = { name: "b", labels: { "velero.io/schedule-name": "nightly" } };

test("a Backup's way is one line for each phase, with what it came to at the end", () => {
  const { tell, lines } = setUp();
  const made = { metadata, spec: { storageLocation: "s3" } };
  const running = { ...made, status: { phase: "InProgress", startTimestamp: "2026-01-01T00:00:00Z" } };
  const end = { completionTimestamp: "2026-01-01T00:02:00Z", errors: 1, failureReason: "why" };
  const ended = { ...made, status: { ...running.status, ...end, phase: "PartiallyFailed" } };
  tell("backups", { type: "added", object: made });
  tell("backups", { type: "updated", object: running, previous: made });
  tell("backups", { type: "updated", object: { ...running }, previous: running });
  tell("backups", { type: "updated", object: ended, previous: running });
  tell("backups", { type: "deleted", object: ended });
  const same = { level: "info", msg: "state changed", kind: "Backup", name: "b", schedule: "nightly", location: "s3" };
  const facts = { errors: 1, seconds: 120, message: "why" };
  assert.deepEqual(lines(), [
    { ...same, from: "", to: "New" },
    { ...same, from: "New", to: "InProgress" },
    { ...same, from: "InProgress", to: "PartiallyFailed", ...facts },
    { ...same, from: "PartiallyFailed", to: "deleted", ...facts },
  ]);
});

test("what was there before is passed over, and volumes are told at the level debug", () => {
  const { state, tell, lines } = setUp();
  state.isSynced = false;
  tell("backups", { type: "added", object: { metadata, spec: {}, status: { phase: "Completed" } } });
  assert.deepEqual(lines(), []);
  state.isSynced = true;
  const spec = { node: "n", volume: "data", pod: { namespace: "app", name: "web" } };
  const labels = { "velero.io/backup-name": "nightly" };
  const object = { metadata: { name: "v", labels }, spec, status: { phase: "Failed", message: "m" } };
  tell("volumeBackups", { type: "updated", object, previous: { ...object, status: {} } });
  const facts = { backup: "nightly", node: "n", namespace: "app", pod: "web", volume: "data", message: "m" };
  const change = { kind: "PodVolumeBackup", name: "v", from: "New", to: "Failed" };
  assert.deepEqual(lines(), [{ level: "debug", msg: "state changed", ...change, ...facts }]);
});
