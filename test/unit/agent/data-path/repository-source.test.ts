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

test("the first use removes the locks of this node's earlier processes, and only these", async () => {
  const storage = new InMemoryStorage();
  const repository = await createTestRepository({ storage });
  for (const [node, pod] of [
    ["n1", "p1"],
    ["n1", "p2"],
    ["n2", "p1"],
  ] as const) {
    const identity = { ...testIdentity, hostname: `pod-${node}-${pod}`, extra: { node, pod } };
    await createLock(await reopen(storage, { identity }), false);
  }
  const source = sourceOf(async () => repository);
  await source.open(address, signal);
  assert.equal((await storedKeys(storage, "locks/")).length, 2);
  const identity = { ...testIdentity, hostname: "pod-late", extra: { node: "n1", pod: "p0" } };
  await createLock(await reopen(storage, { identity }), false);
  await source.open(address, signal);
  assert.equal((await storedKeys(storage, "locks/")).length, 3);
});
