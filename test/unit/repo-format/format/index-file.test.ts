import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { idFromBytes, idOf } from "../../../../repo-format/format/id.ts";
import { decodeIndexFile, encodeIndexFile, type IndexPack } from "../../../../repo-format/format/index-file.ts";

const packA = idOf<PackId>(Buffer.from("a"));
const packB = idOf<PackId>(Buffer.from("b"));
const blob1 = idOf<BlobId>(Buffer.from("1"));
const blob2 = idOf<BlobId>(Buffer.from("2"));

const packs: IndexPack[] = [
  {
    id: packA,
    blobs: [
      { type: "data", id: blob1, offset: 0, length: 38, uncompressedLength: 0 },
      { type: "tree", id: blob2, offset: 38, length: 112, uncompressedLength: 511 },
    ],
  },
  {
    id: packB,
    blobs: [{ type: "data", id: blob2, offset: 0xffff_ffff, length: 0xffff_ffff, uncompressedLength: 0xffff_ffff }],
  },
];

/** Collects what the visitor is told. */
function decode(bytes: Uint8Array | string): IndexPack[] {
  const found: { id: PackId; blobs: IndexPack["blobs"][number][] }[] = [];
  decodeIndexFile(Buffer.from(bytes as string), {
    pack: (id) => found.push({ id: idFromBytes(id), blobs: [] }),
    blob: (...entry) => {
      const [type, id, offset, length, uncompressedLength] = entry;
      found.at(-1)?.blobs.push({ type, id: idFromBytes(id), offset, length, uncompressedLength });
    },
  });
  return found;
}

function isMalformed(pattern?: RegExp): (error: unknown) => boolean {
  return (error) => RepositoryError.is(error, "index-malformed") && (pattern?.test(error.message) ?? true);
}

test("encodeIndexFile writes one line as restic does", () => {
  assert.equal(
    encodeIndexFile(packs.slice(0, 1)).toString(),
    `{"packs":[{"id":"${packA}","blobs":[{"id":"${blob1}","type":"data","offset":0,"length":38},` +
      `{"id":"${blob2}","type":"tree","offset":38,"length":112,"uncompressed_length":511}]}]}\n`,
  );
  assert.equal(encodeIndexFile([]).toString(), '{"packs":[]}\n');
});

test("decodeIndexFile tells every pack and blob in order", () => {
  assert.deepEqual(decode(encodeIndexFile(packs)), packs);
  assert.deepEqual(decode('{"packs":[]}'), []);
  assert.deepEqual(decode('{"packs":null}'), []);
});

test("decodeIndexFile skips supersedes and keys of other programs, wherever they stand", () => {
  const text = ` {"supersedes":["${packA}"], "packs" : [ {"time":"2024-01-01T00:00:00Z","id":"${packA}","size":7,
    "blobs":[{"x":{"y":[{}]},"length":38,"offset":0,"type":"data","id":"${blob1}"}],"more":[1]} ],
    "packs_to_delete":[{"id":"${packB}","blobs":[]}]}`;
  assert.deepEqual(decode(text), [{ id: packA, blobs: [packs[0]!.blobs[0]] }]);
});

test("decodeIndexFile reads packs whose id comes after their blobs", () => {
  const text = `{"packs":[{"blobs":[{"id":"${blob1}","type":"data","offset":0,"length":38}],"id":"${packA}"},{"id":"${packB}"}]}`;
  assert.deepEqual(decode(text), [
    { id: packA, blobs: [packs[0]!.blobs[0]] },
    { id: packB, blobs: [] },
  ]);
});

test("an index file cut off at any byte is malformed and says where", () => {
  const bytes = encodeIndexFile(packs);
  for (let length = 0; length < bytes.length - 1; length++) {
    assert.throws(() => decode(bytes.subarray(0, length)), isMalformed(/at byte \d+$/), String(length));
  }
});

test("the format without a list of packs is refused with a word about its age", () => {
  assert.throws(() => decode(`[{"id":"${packA}","blobs":[]}]`), isMalformed(/before 2015/));
});

test("entries that cannot be are malformed", () => {
  const entry = { id: blob1, type: "data", offset: 0, length: 38 } as const;
  const bad: readonly object[] = [
    { ...entry, type: "metadata" },
    { ...entry, type: undefined },
    { ...entry, id: undefined },
    { ...entry, id: blob1.toUpperCase() },
    { ...entry, id: blob1.slice(1) },
    { ...entry, id: `${blob1.slice(1)}g` },
    { ...entry, offset: -1 },
    { ...entry, offset: 2 ** 32 },
    { ...entry, offset: 1.5 },
    { ...entry, length: 31 },
    { ...entry, length: 2 ** 32 },
    { ...entry, length: "38" },
    { ...entry, uncompressed_length: 2 ** 32 },
  ];
  for (const blob of bad) {
    const text = JSON.stringify({ packs: [{ id: packA, blobs: [blob] }] });
    assert.throws(() => decode(text), isMalformed(), text);
  }
  for (const text of [`{"packs":[{"blobs":[]}]}`, `{"packs":[{"id":"${packA}","id":"${packB}"}]}`, "{}", "null", "1"]) {
    assert.throws(() => decode(text), isMalformed(), text);
  }
});
