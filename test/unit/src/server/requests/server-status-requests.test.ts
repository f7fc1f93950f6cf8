import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerStatusRequest } from "../../../../../src/api/requests.ts";
import {
  type ServerStatusContext,
  serverStatusReconciler,
} from "../../../../../src/server/requests/server-status-requests.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";

test("a ServerStatusRequest is answered, kept for a minute, and then removed", async () => {
  const clock = new FakeClock();
  let request: ServerStatusRequest = { metadata: { name: "r", namespace: "velero" } };
  const deleted: string[] = [];
  const client = {
    find: async () => request,
    mergePatch: async (_: unknown, __: unknown, patch: object) => {
      request = { ...request, ...patch };
    },
    delete: async (_: unknown, { name }: { name: string }) => void deleted.push(name),
  } as unknown as ServerStatusContext["client"];
  const reconcile = serverStatusReconciler({ client, clock });
  const run = async (): Promise<unknown> => await reconcile("velero/r", new AbortController().signal);
  assert.deepEqual(await run(), { requeueAfterMs: 60_000 });
  assert.equal(request.status?.processedTimestamp, "2024-05-01T00:00:00Z");
  await clock.advance(59_000);
  assert.deepEqual(await run(), { requeueAfterMs: 1000 });
  assert.deepEqual(deleted, []);
  await clock.advance(1000);
  assert.deepEqual(await run(), {});
  assert.deepEqual(deleted, ["r"]);
});
