import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ArchiveEntry } from "../../../../repo-format/inspect/archive-encoder.ts";
import { TarEncoder } from "../../../../repo-format/inspect/tar-encoder.ts";

const plain: ArchiveEntry = {
  type: "file",
  path: Buffer.from("a/b"),
  mode: 0o100640,
  uid: 1000,
  gid: 100,
  user: "ann",
  group: "users",
  mtime: "2020-01-02T03:04:05Z",
  sizeBytes: 5,
  linkTarget: Buffer.alloc(0),
  extendedAttributes: [],
};

const text = (block: Buffer, at: number, length: number): string =>
  block.toString("latin1", at, at + length).replace(/\0.*$/s, "");

/** The blocks before the content: the fields of the last header, and the records before it. */
function encode(fields: Partial<ArchiveEntry>): { fields: Record<string, string>; records: string; blocks: number } {
  const bytes = new TarEncoder().begin({ ...plain, ...fields });
  assert.equal(bytes.length % 512, 0);
  const header = bytes.subarray(-512);
  assertChecksum(header);
  const isExtended = bytes.length > 512;
  if (isExtended) assertChecksum(bytes.subarray(0, 512));
  const recordBytes = isExtended ? Number.parseInt(text(bytes, 124, 12), 8) : 0;
  return {
    fields: {
      name: text(header, 0, 100),
      mode: text(header, 100, 8),
      uid: text(header, 108, 8),
      size: text(header, 124, 12),
      mtime: text(header, 136, 12),
      type: text(header, 156, 1),
      link: text(header, 157, 100),
      magic: header.toString("latin1", 257, 265),
      user: text(header, 265, 32),
      prefix: text(header, 345, 155),
    },
    records: isExtended ? bytes.toString("utf8", 512, 512 + recordBytes) : "",
    blocks: bytes.length / 512,
  };
}

function assertChecksum(header: Buffer): void {
  const blanked = Buffer.from(header).fill(" ", 148, 156);
  const sum = blanked.reduce((total, byte) => total + byte, 0);
  assert.equal(header.toString("latin1", 148, 156), `${sum.toString(8).padStart(6, "0")}\0 `);
}

describe("TarEncoder", () => {
  test("TarEncoder puts what fits into the fields of one header", () => {
    assert.deepEqual(encode({}), {
      fields: {
        name: "a/b",
        mode: "0000640",
        uid: "0001750",
        size: "00000000005",
        mtime: "13603256645",
        type: "0",
        link: "",
        magic: "ustar\x0000",
        user: "ann",
        prefix: "",
      },
      records: "",
      blocks: 1,
    });
  });

  test("TarEncoder marks directories by a slash, and gives symlinks their target", () => {
    const directory = encode({ type: "dir", sizeBytes: 0, mode: 0o041777 }).fields;
    assert.deepEqual([directory.name, directory.type, directory.mode], ["a/b/", "5", "0001777"]);
    const link = encode({ type: "symlink", sizeBytes: 0, linkTarget: Buffer.from("../x") }).fields;
    assert.deepEqual([link.type, link.link, link.size], ["2", "../x", "00000000000"]);
  });

  test("TarEncoder splits a long name at a slash, and otherwise puts it into a record", () => {
    const folder = "d".repeat(90);
    const split = encode({ path: Buffer.from(`${folder}/${"f".repeat(60)}`) });
    assert.deepEqual([split.fields.prefix, split.fields.name, split.blocks], [folder, "f".repeat(60), 1]);
    const whole = encode({ path: Buffer.from("f".repeat(120)) });
    assert.equal(whole.records, `130 path=${"f".repeat(120)}\n`);
    assert.equal(whole.fields.name, "f".repeat(100));
  });

  test("TarEncoder says in records what is not ASCII or too large for a field", () => {
    const huge = encode({
      path: Buffer.from("ü"),
      user: "jörg",
      uid: 3_000_000,
      sizeBytes: 2 ** 33,
      mtime: "1969-12-31T23:59:00Z",
    });
    assert.equal(huge.records, "13 mtime=-60\n11 path=ü\n19 size=8589934592\n15 uid=3000000\n15 uname=jörg\n");
    assert.deepEqual(
      [huge.fields.name, huge.fields.user, huge.fields.uid, huge.fields.size],
      ["", "jrg", "0000000", "00000000000"],
    );
  });

  test("TarEncoder keeps extended attributes with any bytes, lists of rights as text, and names without =", () => {
    const acl = Buffer.from("020000000100070000000000", "hex");
    const { records } = encode({
      extendedAttributes: [
        { name: "user.b", value: Buffer.from("x\0=\n") },
        { name: "user.a", value: null },
        { name: "user.bad=name", value: Buffer.from("lost") },
        { name: "system.posix_acl_access", value: acl },
        { name: "system.posix_acl_default", value: Buffer.from("broken") },
      ],
    });
    const expected = "32 SCHILY.acl.access=user::rwx\n\n24 SCHILY.xattr.user.a=\n28 SCHILY.xattr.user.b=x\0=\n\n";
    assert.equal(records, expected);
  });

  test("TarEncoder rounds times to the nearest second", () => {
    for (const [mtime, seconds] of [
      ["1970-01-01T00:00:01.499999999Z", "00000000001"],
      ["1970-01-01T00:00:01.5Z", "00000000002"],
      ["1969-12-31T23:59:59.5Z", "00000000000"],
      ["0001-01-01T00:00:00Z", "00000000000"],
    ] as const) {
      assert.equal(encode({ mtime }).fields.mtime, seconds);
    }
  });

  test("TarEncoder fills content up to a block, and ends with two empty ones", () => {
    const tar = new TarEncoder();
    for (const [sizeBytes, filler] of [
      [0, 0],
      [1, 511],
      [512, 0],
      [513, 511],
    ] as const) {
      tar.begin({ ...plain, sizeBytes });
      assert.deepEqual(tar.end(), Buffer.alloc(filler));
    }
    assert.deepEqual(tar.finish(), Buffer.alloc(1024));
  });
});
