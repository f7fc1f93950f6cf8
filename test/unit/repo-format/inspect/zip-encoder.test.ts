import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ArchiveEntry } from "../../../../repo-format/inspect/archive-encoder.ts";
import { ZipEncoder } from "../../../../repo-format/inspect/zip-encoder.ts";
import { seededBytes } from "../../../support/memory-repository.ts";
import { readZip } from "../../../support/zip-reader.ts";

const plain: ArchiveEntry = {
  type: "file",
  path: Buffer.from("a/b"),
  mode: 0o100640,
  uid: 0,
  gid: 0,
  user: "",
  group: "",
  mtime: "2020-01-02T03:04:05.9Z",
  sizeBytes: 0,
  linkTarget: Buffer.alloc(0),
  extendedAttributes: [],
};

async function archive(
  ...entries: readonly (readonly [fields: Partial<ArchiveEntry>, ...pieces: readonly Buffer[]])[]
): Promise<Buffer> {
  const zip = new ZipEncoder();
  const parts: Buffer[] = [];
  for (const [fields, ...pieces] of entries) {
    const sizeBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    parts.push(zip.begin({ ...plain, sizeBytes, ...fields }));
    for (const piece of pieces) parts.push(await zip.data(piece));
    parts.push(await zip.end());
  }
  return Buffer.concat([...parts, zip.finish()]);
}

describe("ZipEncoder", () => {
  test("ZipEncoder stores files of several pieces, directories and symlinks with their modes and times", async () => {
    const pieces = [Buffer.alloc(100_000, "x"), seededBytes(1, 70_000)];
    const entries = readZip(
      await archive(
        [{ type: "dir", mode: 0o040755, path: Buffer.from("a") }],
        [{}, ...pieces],
        [{ path: Buffer.from("ü/empty") }],
        [{ type: "symlink", mode: 0o120777, path: Buffer.from("l"), linkTarget: Buffer.from("../x") }],
      ),
    );
    const seen = entries.map(({ name, mode, content }) => [name.toString(), mode.toString(8), content.length]);
    assert.deepEqual(seen, [
      ["a/", "40755", 0],
      ["a/b", "100640", 170_000],
      ["ü/empty", "100640", 0],
      ["l", "120777", 4],
    ]);
    assert.ok(entries[1]?.content.equals(Buffer.concat(pieces)));
    assert.equal(entries[3]?.content.toString(), "../x");
    assert.ok(entries.every(({ mtime }) => mtime === 1_577_934_245));
  });

  test("ZipEncoder marks names as UTF-8 only where they are, and keeps other bytes", async () => {
    const flagsOf = async (path: Buffer): Promise<number> => (await archive([{ path }])).readUInt16LE(6);
    assert.deepEqual(await Promise.all(["a", "ü"].map((name) => flagsOf(Buffer.from(name)))), [0x8, 0x808]);
    assert.equal(await flagsOf(Buffer.from([0xff])), 0x8);
    assert.deepEqual(readZip(await archive([{ path: Buffer.from([0xff]) }]))[0]?.name, Buffer.from([0xff]));
  });

  test("ZipEncoder writes the clock on the wall of the stored time, and holds to the years that DOS knows", async () => {
    const dosOf = async (mtime: string): Promise<[number, number]> => {
      const zip = await archive([{ mtime }]);
      return [zip.readUInt16LE(12), zip.readUInt16LE(10)];
    };
    const date = ((2020 - 1980) << 9) | (1 << 5) | 2;
    assert.deepEqual(await dosOf("2020-01-02T03:04:05Z"), [date, (3 << 11) | (4 << 5) | 2]);
    assert.deepEqual(await dosOf("2020-01-02T03:04:05+02:00"), [date, (3 << 11) | (4 << 5) | 2]);
    assert.deepEqual(await dosOf("1969-12-31T23:00:00Z"), [33, 0]);
    assert.deepEqual(await dosOf("2500-01-01T00:00:00Z"), [0xff9f, 0xbf7d]);
    assert.equal(readZip(await archive([{ mtime: "2500-01-01T00:00:00Z" }]))[0]?.mtime, undefined);
    assert.equal(readZip(await archive([{ mtime: "1969-12-31T23:00:00.5Z" }]))[0]?.mtime, -3600);
  });

  test("ZipEncoder announces 64-bit sizes for large files, and says them in the directory", async () => {
    const zip = new ZipEncoder();
    const large = { ...plain, sizeBytes: 2 ** 32 };
    const local = zip.begin(large);
    assert.equal(local.readUInt16LE(4), 45);
    assert.equal(local.readUInt32LE(18), 0xffff_ffff);
    assert.equal(local.readUInt16LE(30 + 3), 1, "the field for them comes first");
    const parts = [local, await zip.data(Buffer.from("short")), await zip.end(), zip.finish()];
    const [entry] = readZip(Buffer.concat(parts));
    assert.deepEqual([entry?.sizeBytes, entry?.neededVersion], [5n, 45]);
    // Signature, checksum and two sizes of 8 bytes.
    assert.equal(parts[2]?.subarray(-24).readUInt32LE(0), 0x0807_4b50);
  });

  test("ZipEncoder has a 64-bit end for more than 65,534 entries", async () => {
    const zip = new ZipEncoder();
    const parts: Buffer[] = [];
    for (let number = 0; number < 65_536; number++) {
      parts.push(zip.begin({ ...plain, type: "dir", path: Buffer.from(`${number}`) }), await zip.end());
    }
    const entries = readZip(Buffer.concat([...parts, zip.finish()]));
    assert.equal(entries.length, 65_536);
    assert.equal(entries.at(-1)?.name.toString(), "65535/");
  });
});
