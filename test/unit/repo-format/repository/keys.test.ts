import assert from "node:assert/strict";
import { test } from "node:test";
import { addKey, changePassword, listKeys, removeKey } from "../../../../repo-format/repository/keys.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import { cheapKdf, createTestRepository, reopen, storedKeys } from "../../../support/memory-repository.ts";

test("an added key opens the same repository, and the list names its owner", async () => {
  const repo = await createTestRepository();
  const id = await addKey(repo, { password: "second", kdf: cheapKdf, username: "ann", hostname: "desk" });
  const opened = await reopen(repo.storage, { password: "second" });
  assert.equal(opened.id, repo.id);
  assert.equal(opened.keyId, id);
  const keys = await listKeys(repo);
  assert.deepEqual(keys.map(({ key }) => `${key.username}@${key.hostname}`).sort(), ["ann@desk", "tester@host-1"]);
});

test("a key that does not open again after it was written is removed, and the error comes back", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  storage.plan = ({ method }) => (method === "get" ? (bytes) => Buffer.concat([bytes, Buffer.of(32)]) : undefined);
  await assert.rejects(addKey(repo, { password: "second", kdf: cheapKdf }), { code: "file-damaged" });
  assert.deepEqual(await storedKeys(storage, "keys/"), [`keys/${repo.keyId}`]);
});

test("removeKey removes by a unique beginning of the id, and never the key in use", async () => {
  const repo = await createTestRepository();
  const id = await addKey(repo, { password: "second", kdf: cheapKdf });
  await assert.rejects(removeKey(repo, repo.keyId), { code: "key-in-use" });
  await assert.rejects(removeKey(repo, "xyz"), { code: "key-missing" });
  await assert.rejects(removeKey(repo, ""), { code: "key-missing" });
  assert.equal(await removeKey(repo, id.slice(0, 12)), id);
  await assert.rejects(reopen(repo.storage, { password: "second" }), { code: "wrong-password" });
});

test("removeKey refuses a beginning that two keys share", async () => {
  const repo = await createTestRepository();
  const seen = new Map<string, string>();
  for (;;) {
    const id = await addKey(repo, { password: "more", kdf: cheapKdf });
    const first = id.slice(0, 1);
    if (seen.has(first)) {
      await assert.rejects(removeKey(repo, first), { code: "argument-invalid" });
      return;
    }
    seen.set(first, id);
  }
});

test("after changePassword only the new password opens", async () => {
  const repo = await createTestRepository();
  const id = await changePassword(repo, "new", { kdf: cheapKdf });
  assert.equal((await reopen(repo.storage, { password: "new" })).keyId, id);
  await assert.rejects(reopen(repo.storage), { code: "wrong-password" });
});

test("files that are no keys are left out of the list", async () => {
  const repo = await createTestRepository();
  await repo.storage.put(`keys/${"0".repeat(64)}`, Buffer.from("not a key"));
  assert.equal((await listKeys(repo)).length, 1);
});
