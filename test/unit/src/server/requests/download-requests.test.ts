import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/errors.ts";
import type { DownloadRequest } from "../../../../../src/api/requests.ts";
import { silentLogger } from "../../../../../src/platform/logger.ts";
import {
  type DownloadRequestContext,
  downloadRequestReconciler,
} from "../../../../../src/server/requests/download-requests.ts";
import type { DownloadAddress } from "../../../../../src/server/requests/downloads.ts";
import { FakeClock } from "../../../../support/fake-clock.ts";

const signal = new AbortController().signal;
const tenMinutesMs = 600_000;

interface Asked {
  readonly clock: FakeClock;
  readonly patches: unknown[];
  readonly deleted: string[];
  readonly run: () => Promise<unknown>;
}

function ask(status: DownloadRequest["status"], addressOf: () => Promise<DownloadAddress>): Asked {
  const clock = new FakeClock();
  const metadata = { name: "r", namespace: "velero", creationTimestamp: new Date(clock.now()).toISOString() };
  const objects: Record<string, object> = {
    r: { metadata, spec: { target: { kind: "BackupLog", name: "b" } }, status },
    b: { metadata: { name: "b" }, spec: { storageLocation: "default" } },
    default: { metadata: { name: "default" }, spec: {} },
  };
  const [patches, deleted]: [unknown[], string[]] = [[], []];
  const client = {
    find: async (_: unknown, { name }: { name: string }) => objects[name],
    mergePatch: async (_: unknown, __: unknown, patch: unknown) => void patches.push(patch),
    delete: async (_: unknown, { name }: { name: string }) => void deleted.push(name),
  };
  const reconcile = downloadRequestReconciler({
    client: client as unknown as DownloadRequestContext["client"],
    namespace: "velero",
    clock,
    log: silentLogger,
    redact: (text) => text.replaceAll("hunter2", "[redacted]"),
    downloads: { addressOf, close: async () => undefined },
  });
  return { clock, patches, deleted, run: async () => await reconcile("velero/r", signal) };
}

const found = async (): Promise<DownloadAddress> => ({ url: "https://x/", certificate: "PEM" });

describe("the reconciler of DownloadRequests", () => {
  it("answers once, and looks again when the answer has expired, to remove it", async () => {
    const { run, patches } = ask(undefined, found);
    assert.deepEqual(await run(), { requeueAfterMs: tenMinutesMs });
    assert.deepEqual(patches, [
      {
        metadata: { annotations: { "stowage.dev/download-certificate": "PEM" } },
        status: { phase: "Processed", expiration: "2024-05-01T00:10:00Z", downloadURL: "https://x/" },
      },
    ]);
    const answered = ask({ phase: "Processed", expiration: "2024-05-01T00:05:00Z" }, found);
    assert.deepEqual(await answered.run(), { requeueAfterMs: 300_000 });
    await answered.clock.advance(300_000);
    await answered.run();
    assert.deepEqual([answered.patches, answered.deleted], [[], ["r"]]);
  });

  it("fails while the store is away, to be tried again, for ten minutes", async () => {
    const away = new RepositoryError("storage-unavailable", "no answer");
    const { run, patches, clock, deleted } = ask({ phase: "New" }, () => Promise.reject(away));
    await assert.rejects(run(), { code: "storage-unavailable" });
    await clock.advance(tenMinutesMs - 1);
    await assert.rejects(run(), { code: "storage-unavailable" });
    await clock.advance(1);
    await run();
    assert.deepEqual([patches, deleted], [[], ["r"]]);
  });

  it("ends at once where another try would change nothing, with the reason and without secrets", async () => {
    const denied = new RepositoryError("storage-denied", "the key hunter2 is refused");
    const { run, patches } = ask(undefined, () => Promise.reject(denied));
    assert.deepEqual(await run(), { requeueAfterMs: tenMinutesMs });
    const problem = "the key [redacted] is refused; check the credentials and the rights on the bucket";
    assert.deepEqual(patches, [
      {
        metadata: { annotations: { "stowage.dev/download-problem": problem } },
        status: { phase: "Processed", expiration: "2024-05-01T00:10:00Z" },
      },
    ]);
  });
});
