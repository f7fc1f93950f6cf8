import assert from "node:assert/strict";
import { relative } from "node:path";
import { before, describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { SnapshotId } from "../../../../repo-format/format/id.ts";
import { emptyTreeId } from "../../../../repo-format/format/tree.ts";
import { findSnapshots, hasTags, resolveSnapshot } from "../../../../repo-format/repository/find-snapshots.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository, storeSnapshot } from "../../../support/memory-repository.ts";

const isError =
  (code: "snapshot-missing" | "snapshot-ambiguous" | "argument-invalid" | "file-damaged") =>
  (error: unknown): boolean =>
    RepositoryError.is(error, code);

test("hasTags asks for all tags of a list; the empty tag or list asks for none", () => {
  assert.ok(hasTags(["a", "b"], ["b", "a"]));
  assert.ok(!hasTags(["a"], ["a", "b"]));
  assert.ok(hasTags([], [""]) && hasTags([], []));
  assert.ok(!hasTags(["a"], [""]) && !hasTags(["a"], []));
});

describe("findSnapshots and resolveSnapshot", () => {
  let repo: Repository;
  const ids: SnapshotId[] = [];

  before(async () => {
    repo = await createTestRepository();
    const fields = [
      { time: "2024-05-03T10:00:00Z", hostname: "a", tags: ["x"], paths: ["/p"] },
      { time: "2024-05-01T10:00:00Z", hostname: "b", tags: ["x", "y"], paths: ["/p", "/q"] },
      // An hour before the first, though its text is greater.
      { time: "2024-05-03T11:00:00+02:00", hostname: "a", tags: [], paths: ["/q"] },
    ];
    for (const one of fields) ids.push(await storeSnapshot(repo, emptyTreeId, one));
  });

  const idsOf = async (options: Parameters<typeof findSnapshots>[1]): Promise<number[]> =>
    (await findSnapshots(repo, options)).map(({ id }) => ids.indexOf(id));

  test("findSnapshots lists oldest first and applies every filter", async () => {
    assert.deepEqual(await idsOf({}), [1, 2, 0]);
    assert.deepEqual(await idsOf({ hosts: ["a"] }), [2, 0]);
    assert.deepEqual(await idsOf({ tags: [["x", "y"], [""]] }), [1, 2]);
    assert.deepEqual(await idsOf({ paths: ["/p", "/q"] }), [1]);
    assert.deepEqual(await idsOf({ hosts: ["a"], tags: [["y"]] }), []);
  });

  test("findSnapshots by id keeps the order asked for and names each snapshot once", async () => {
    const [first = "", second = ""] = ids;
    assert.deepEqual(await idsOf({ ids: [second, first, second, "latest"] }), [1, 0]);
    assert.deepEqual(await idsOf({ ids: ["latest"], hosts: ["b"] }), [1]);
  });

  test("findSnapshots reports ids that it cannot use, or throws without a listener", async () => {
    const ignored: string[] = [];
    const onIgnored = (what: string): unknown => ignored.push(what);
    const missing = "0".repeat(64);
    assert.deepEqual(await idsOf({ ids: [missing, `${ids[0]}:/sub`, ids[0] ?? ""], hosts: ["a"], onIgnored }), [0]);
    assert.deepEqual(ignored, [missing, `${ids[0]}:/sub`, "filters"]);
    await assert.rejects(findSnapshots(repo, { ids: [missing] }), isError("snapshot-missing"));
  });

  test("findSnapshots passes over snapshot files that cannot be read when somebody listens", async () => {
    const damaged = await createTestRepository();
    await storeSnapshot(damaged, emptyTreeId);
    const key = `snapshots/${"1".repeat(64)}`;
    await damaged.storage.put(key, Buffer.from("junk"));
    const ignored: string[] = [];
    assert.equal((await findSnapshots(damaged, { onIgnored: (what) => ignored.push(what) })).length, 1);
    assert.deepEqual(ignored, ["1".repeat(64)]);
    await assert.rejects(findSnapshots(damaged), isError("file-damaged"));
  });

  test("resolveSnapshot takes an id, a unique prefix or latest, each with a subfolder", async () => {
    const [first = ""] = ids;
    for (const [text, index, subfolder] of [
      [first, 0, ""],
      [`${first.slice(0, 20)}:/a:b`, 0, "/a:b"],
      ["latest", 0, ""],
      ["latest:etc", 0, "etc"],
    ] as const) {
      const found = await resolveSnapshot(repo, text);
      assert.deepEqual([ids.indexOf(found.id), found.subfolder], [index, subfolder]);
    }
    for (const path of ["/q", "/q/", relative(process.cwd(), "/q")])
      assert.equal((await resolveSnapshot(repo, "latest", { paths: [path] })).id, ids[2], path);
  });

  test("resolveSnapshot says whether a name fits no snapshot or several", async () => {
    const letters = ids.map((id) => id[0]);
    const absent = [..."0123456789abcdef"].find((digit) => !letters.includes(digit)) ?? "x";
    await assert.rejects(resolveSnapshot(repo, absent), isError("snapshot-missing"));
    await assert.rejects(resolveSnapshot(repo, ""), isError("argument-invalid"));
    await assert.rejects(resolveSnapshot(repo, "latest", { hosts: ["nobody"] }), isError("snapshot-missing"));
    const many = await createTestRepository();
    for (let number = 0; number < 17; number++) await storeSnapshot(many, emptyTreeId);
    const all = await findSnapshots(many);
    const shared = all.find(({ id }) => all.some((other) => other.id !== id && other.id[0] === id[0]));
    await assert.rejects(resolveSnapshot(many, shared?.id.slice(0, 1) ?? ""), isError("snapshot-ambiguous"));
  });
});
