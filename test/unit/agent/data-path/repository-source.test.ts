import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterRepositories } from "../../../../agent/data-path/repository-source.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { Repository } from "../../../../repo-format/index.ts";
import { createLock } from "../../../../repo-format/repository/lock-files.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import type { TypedClient } from "../../../../src/kube/typed-client.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { createTestRepository, reopen, storedKeys, testIdentity } from "../../../support/memory-repository.ts";

const signal = new AbortController().signal;
const address = { volumeNamespace: "app", storageLocation: "default", repoIdentifier: "x", mayBeNew: false };

const startMs = Date.UTC(2024, 4, 1);
const before = { clock: () => startMs - 1000 };
const since = { clock: () => startMs + 1000 };

function sourceOf(open: () => Promise<Repository>): ClusterRepositories {
  return new ClusterRepositories({
    access: { open },
    client: { get: async () => ({ metadata: { name: "default" } }) } as unknown as TypedClient,
    ...{ namespace: "velero", nodeName: "n1", processId: "p2", resourceTimeoutMs: 1000 },
    ...{ clock: new FakeClock(), log: silentLogger },
  });
}

test("a missing repository is not asked for when something is to be restored from it", async () => {
  const missing = new RepositoryError("repository-missing", "nothing there");
  await assert.rejects(sourceOf(() => Promise.reject(missing)).open(address, signal), missing);
});

test("the first use removes the locks that this node's earlier processes left before it began, and only these", async () => {
  const storage = new InMemoryStorage();
  const repository = await createTestRepository({ storage, ...since });
  const lockAs = async (node: string, pod: string, time: typeof before) => {
    const identity = { ...testIdentity, hostname: `pod-${node}-${pod}`, extra: { node, pod } };
    await createLock(await reopen(storage, { identity, ...time }), false);
  };
  await lockAs("n1", "earlier", before);
  await lockAs("n1", "beside", since);
  await lockAs("n1", "p2", before);
  await lockAs("n2", "other", before);
  const source = sourceOf(async () => repository);
  await source.open(address, signal);
  assert.equal((await storedKeys(storage, "locks/")).length, 3);
  await lockAs("n1", "earlier", before);
  await source.open(address, signal);
  assert.equal((await storedKeys(storage, "locks/")).length, 4);
});

test("where a repository is and what opens it is asked once for volumes that follow each other, and anew after two seconds", async () => {
  const repository = await createTestRepository();
  const clock = new FakeClock();
  const asked: string[] = [];
  const source = new ClusterRepositories({
    access: {
      open: async ({ volumeNamespace }) => {
        asked.push(volumeNamespace);
        return repository;
      },
    },
    client: {
      get: async () => {
        asked.push("location");
        return { metadata: {} };
      },
    } as unknown as TypedClient,
    ...{ namespace: "velero", nodeName: "n1", processId: "p2", resourceTimeoutMs: 1000 },
    ...{ clock, log: silentLogger },
  });
  await source.open(address, signal);
  await clock.advance(1999);
  await source.open(address, signal);
  assert.deepEqual(asked.splice(0), ["location", "app"]);
  await source.open({ ...address, volumeNamespace: "other" }, signal);
  assert.deepEqual(asked.splice(0), ["location", "other"]);
  await clock.advance(1);
  await source.open(address, signal);
  assert.deepEqual(asked, ["location", "app"]);
});
