import assert from "node:assert/strict";
import { test } from "node:test";
import { ensureBackupRepository } from "../../../../agent/data-path/ensure-backup-repository.ts";
import type { BackupRepository } from "../../../../src/api/backup-repository.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";
import type { TypedClient } from "../../../../src/kube/typed-client.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function setUp(phases: (string | undefined)[][], create: () => unknown = () => ({ metadata: { name: "new" } })) {
  const clock = new FakeClock();
  const created: unknown[] = [];
  const selectors: string[] = [];
  const client = {
    list: async (_: unknown, options: { labelSelector: string }) => {
      selectors.push(options.labelSelector);
      const items = (phases.shift() ?? []).map((phase, index) => ({
        metadata: { name: `r${index}` },
        status: { phase, message: "why" },
      }));
      return { items, resourceVersion: "1" };
    },
    create: async (_: unknown, object: unknown) => {
      created.push(object);
      return create() as BackupRepository;
    },
  } as unknown as TypedClient;
  const options = {
    ...{ client, clock, namespace: "velero", volumeNamespace: "app", storageLocation: "default" },
    ...{ timeoutMs: 60_000, signal: new AbortController().signal },
  };
  return { clock, created, selectors, options };
}

test("a repository that is ready is taken as it is, found by Velero's labels", async () => {
  const { created, selectors, options } = setUp([["Ready"]]);
  assert.equal((await ensureBackupRepository(options)).metadata.name, "r0");
  assert.deepEqual(created, []);
  assert.equal(
    selectors[0],
    "velero.io/volume-namespace=app,velero.io/storage-location=default,velero.io/repository-type=restic",
  );
});

test("a missing one is created once, and waited for", async () => {
  const { clock, created, options } = setUp([[], ["New"], [undefined], ["Ready"]]);
  const done = ensureBackupRepository(options);
  await clock.advance(5000);
  assert.equal((await done).status?.phase, "Ready");
  assert.equal(created.length, 1);
  const { metadata } = created[0] as BackupRepository;
  assert.equal(metadata.name, "app-default-restic");
});

test("another node may be faster", async () => {
  const { clock, options } = setUp([[], ["Ready"]], () => {
    throw new KubeError("already-exists", "there");
  });
  const done = ensureBackupRepository(options);
  await clock.advance(5000);
  assert.equal((await done).status?.phase, "Ready");
});

test("one that is not ready, several of them, and a server that does nothing are failures with their reason", async () => {
  await assert.rejects(ensureBackupRepository(setUp([["NotReady"]]).options), /r0 is not ready: why/);
  await assert.rejects(ensureBackupRepository(setUp([["Ready", "Ready"]]).options), /several .*r0, r1/);
  const { clock, options } = setUp([]);
  const checked = assert.rejects(ensureBackupRepository(options), /not made ready by the server within 60 s/);
  await clock.advance(70_000);
  await checked;
});
