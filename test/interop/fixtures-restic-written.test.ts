// What restic 0.19.1 writes today, from a directory full of odd names and kinds of files: decoded whole and encoded again
// to the same bytes, in both versions of the format and in a zone other than UTC.
import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileModeFromStat } from "../../repo-format/format/file-mode.ts";
import { type BlobId, idFromBytes, idOf, type PackId } from "../../repo-format/format/id.ts";
import { decodeIndexFile, encodeIndexFile, type IndexPack } from "../../repo-format/format/index-file.ts";
import { decodeKeyFile } from "../../repo-format/format/key-file.ts";
import type { Node } from "../../repo-format/format/node.ts";
import { decodeSnapshot, encodeSnapshot } from "../../repo-format/format/snapshot-file.ts";
import { decodeTree, encodeTree } from "../../repo-format/format/tree.ts";
import { resticMust } from "../support/restic.ts";
import { readFolder, StoredRepository } from "../support/stored-repository.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const password = "interop";

/** Code points on both sides of what restic escapes. */
const codePoints = [
  0xa0, 0xad, 0xe9, 0x378, 0x7ff, 0x800, 0x200d, 0x2028, 0x2029, 0x4e2d, 0xe000, 0xfeff, 0xfffd, 0xffff, 0x1_0000,
  0x1_cc00, 0x1_f600, 0x2_ebf0, 0x10_ffff,
];

function oddNames(): Buffer[] {
  const names = ["lt<gt>&amp", 'quo"te', "back\\slash", " ", "-", "name.txt"].map((text) => Buffer.from(text));
  for (let byte = 1; byte < 256; byte++) if (byte !== 0x2f) names.push(Buffer.of(0x62, byte));
  for (const codePoint of codePoints) names.push(Buffer.from(`u${String.fromCodePoint(codePoint)}`));
  for (const hex of ["eda080", "e282", "f4908080", "c080", "626164fffe7a", "f09f98"])
    names.push(Buffer.from(hex, "hex"));
  return names;
}

/** Fills a directory with files of all these names, links to odd targets, holes, and metadata at its limits. */
function fillDirectory(folder: string): void {
  const at = (name: Buffer | string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name as string)]);
  for (const [index, name] of oddNames().entries()) writeFileSync(at(name), index % 3 === 0 ? `content ${index}` : "");
  symlinkSync("plain <target>", at("link"));
  symlinkSync(Buffer.from("./\xff<", "latin1"), at("link-raw"));
  symlinkSync("line\u2028separator \ufffd", at("link-separator"));
  linkSync(at("name.txt"), at("second name"));
  mkdirSync(join(folder, "dir", "empty"), { recursive: true });
  chmodSync(join(folder, "dir"), 0o1777);
  writeFileSync(join(folder, "large"), Buffer.alloc(3 * 1024 * 1024, "compressible "));
  for (const [name, mode] of [
    // Only root can read a file that nobody may read.
    ["bA", process.getuid?.() === 0 ? 0 : 0o400],
    ["bB", 0o6755],
    ["bC", 0o7777],
  ] as const) {
    chmodSync(join(folder, name), mode);
  }
  for (const [name, seconds] of [
    ["bD", -1.5],
    ["bE", 0],
    ["bF", 1_000_000_000.123_456],
    ["bG", 4_000_000_000],
  ] as const) {
    utimesSync(join(folder, name), seconds, seconds);
  }
}

for (const { version, zone } of [
  { version: 1, zone: "UTC" },
  { version: 2, zone: "Asia/Kolkata" },
] as const) {
  test(`version ${version}, zone ${zone}: what restic wrote comes out of our encoders unchanged`, async (context) => {
    const folder = temporaryDirectory(context, "restic-written");
    const source = join(folder, "source");
    mkdirSync(source);
    fillDirectory(source);
    const options = { repository: join(folder, "repository"), password, env: { TZ: zone } };
    await resticMust(["init", "--repository-version", String(version)], options);
    await resticMust(["backup", "--with-atime", "--tag", "a<b>,c", "."], { ...options, cwd: source });
    const files = readFolder(options.repository);
    const repository = await StoredRepository.open(files, password);
    assert.equal(repository.config.version, version);
    const blobs = [...repository.blobs()];
    for (const blob of blobs) assert.equal(idOf(blob.plain), blob.id);
    assert.equal(
      blobs.some((blob) => blob.uncompressedLength > 0),
      version === 2,
    );

    checkTrees(repository, source);
    for (const { bytes } of repository.list("snapshots")) {
      const json = repository.openFile(bytes);
      const snapshot = decodeSnapshot(json);
      assert.equal(encodeSnapshot(snapshot).toString(), json.toString());
      assert.deepEqual(snapshot.tags, ["a<b>", "c"]);
      assert.deepEqual(snapshot.unknown, {});
    }
    for (const { bytes } of repository.list("index")) {
      const json = repository.openFile(bytes);
      assert.equal(encodeIndexFile(decodeIndex(json)).toString(), json.toString());
    }
    for (const { bytes } of repository.list("keys")) assert.equal(decodeKeyFile(bytes).r, 8);
  });
}

function checkTrees(repository: StoredRepository, source: string): void {
  const trees = repository.trees();
  for (const [id, bytes] of trees) {
    const tree = decodeTree(bytes);
    assert.equal(tree.disorder, undefined);
    assert.ok(encodeTree(tree.nodes).equals(bytes), `tree ${id}`);
  }
  const root = [...trees.values()].map((bytes) => decodeTree(bytes).nodes).find((nodes) => nodes.length > 100) ?? [];
  const stored = new Map(root.map((node) => [node.name.toString("hex"), node]));
  const names = readdirSync(source, { encoding: "buffer" });
  assert.equal(stored.size, names.length);
  for (const name of names)
    checkNode(stored.get(name.toString("hex")) as Node, Buffer.concat([Buffer.from(`${source}/`), name]));
}

/** Restic's node against what lstat says. */
function checkNode(node: Node, path: Buffer): void {
  const stat = lstatSync(path, { bigint: true });
  assert.equal(node.mode, fileModeFromStat(Number(stat.mode)));
  assert.equal(node.inode, stat.ino);
  assert.equal(node.uid, Number(stat.uid));
  if (stat.isSymbolicLink()) assert.deepEqual(node.linkTarget, readlinkSync(path, { encoding: "buffer" }));
  if (!stat.isFile()) return;
  assert.equal(node.size, Number(stat.size));
  assert.equal(node.links, Number(stat.nlink));
  if (stat.size > 0 && stat.size < 1000) assert.deepEqual(node.content, [idOf<BlobId>(readFileSync(path))]);
}

function decodeIndex(json: Buffer): IndexPack[] {
  const packs: { id: PackId; blobs: IndexPack["blobs"][number][] }[] = [];
  decodeIndexFile(json, {
    pack: (id) => packs.push({ id: idFromBytes(id), blobs: [] }),
    blob: (...[type, id, offset, length, uncompressedLength]) => {
      packs.at(-1)?.blobs.push({ type, id: idFromBytes(id), offset, length, uncompressedLength });
    },
  });
  return packs;
}
