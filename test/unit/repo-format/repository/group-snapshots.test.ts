import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId, SnapshotId } from "../../../../repo-format/format/id.ts";
import type { Snapshot } from "../../../../repo-format/format/snapshot-file.ts";
import type { FoundSnapshot } from "../../../../repo-format/repository/find-snapshots.ts";
import { describeGroup, groupSnapshots, parseGroupBy } from "../../../../repo-format/repository/group-snapshots.ts";

function found(id: string, fields: Partial<Snapshot>): FoundSnapshot {
  const snapshot: Snapshot = {
    time: "2024-01-01T00:00:00Z",
    tree: "" as BlobId,
    paths: [],
    hostname: "",
    username: "",
    uid: 0,
    gid: 0,
    excludes: [],
    tags: [],
    programVersion: "",
    unknown: {},
    ...fields,
  };
  return { id: id as SnapshotId, snapshot };
}

test("parseGroupBy takes restic's words in any order and refuses others", () => {
  assert.deepEqual(parseGroupBy(""), { host: false, paths: false, tags: false });
  assert.deepEqual(parseGroupBy("paths,host"), { host: true, paths: true, tags: false });
  assert.deepEqual(parseGroupBy("hosts,path,tag"), { host: true, paths: true, tags: true });
  assert.throws(
    () => parseGroupBy("host,users"),
    (error) => RepositoryError.is(error, "argument-invalid"),
  );
});

test("groupSnapshots puts equal sets of paths and tags together, whatever their order, and keeps the order of members", () => {
  const list = [
    found("1", { hostname: "a", paths: ["/y", "/x"], tags: ["t", "s"] }),
    found("2", { hostname: "b", paths: ["/x", "/y"], tags: [] }),
    found("3", { hostname: "a", paths: ["/x", "/y"], tags: ["s", "t"] }),
  ];
  const idsOf = (groupBy: string): string[] =>
    groupSnapshots(list, parseGroupBy(groupBy)).map((group) => group.snapshots.map(({ id }) => id).join(""));
  assert.deepEqual(idsOf("host,paths"), ["13", "2"]);
  assert.deepEqual(idsOf("tags"), ["13", "2"]);
  assert.deepEqual(idsOf("paths"), ["123"]);
  assert.deepEqual(idsOf(""), ["123"]);
  const [group] = groupSnapshots(list, parseGroupBy("host,tags"));
  assert.deepEqual(group?.key, { hostname: "a", paths: null, tags: ["s", "t"] });
});

test("groupSnapshots sorts paths by their bytes, not by UTF-16 units", () => {
  const [group] = groupSnapshots([found("1", { paths: ["\u{10000}", "\uffee"] })], parseGroupBy("paths"));
  assert.deepEqual(group?.key.paths, ["\uffee", "\u{10000}"]);
});

test("describeGroup names host, paths and tags as far as they were grouped by", () => {
  assert.equal(describeGroup({ hostname: "a", paths: ["/x", "/y"], tags: ["t"] }), "host a, path [/x /y], tags [t]");
  assert.equal(describeGroup({ hostname: "", paths: null, tags: null }), "");
});
