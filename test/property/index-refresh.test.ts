import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PackedBlob } from "../../repo-format/format/blob.ts";
import type { BlobId, IndexId, PackId } from "../../repo-format/format/id.ts";
import { encodeIndexFile, type IndexPack } from "../../repo-format/format/index-file.ts";
import { BlobIndex } from "../../repo-format/index/blob-index.ts";
import { IndexFileEntries } from "../../repo-format/index/index-file-entries.ts";
import { SharedBlobTable } from "../../repo-format/index/shared-blob-table.ts";

const hexId = (kind: string, number: number): string => `${kind}${String(number).padStart(4, "0")}`.padStart(64, "0");
const packId = (number: number): PackId => hexId("b", number) as PackId;
const blobId = (number: number): BlobId => hexId("d", number) as BlobId;
const fileId = (number: number): IndexId => hexId("e", number) as IndexId;

/** Every pack always has the same content: packs are named by their hash. Blob n of pack p lies at the same place. */
function blobOfPack(pack: number, place: number): PackedBlob {
  const number = (pack * 3 + place) % 17;
  return {
    type: number % 4 === 0 ? "tree" : "data",
    id: blobId(number),
    offset: place * 100,
    length: 100,
    uncompressedLength: (pack + place) % 2 === 0 ? 0 : 500,
  };
}

/** An index file as a list of packs with the places of the blobs that it tells of. */
type FileModel = readonly { readonly pack: number; readonly places: readonly number[] }[];

const fileArbitrary: fc.Arbitrary<FileModel> = fc.array(
  fc.record({ pack: fc.nat(7), places: fc.subarray([0, 1, 2, 3], { minLength: 1 }) }),
  { maxLength: 4 },
);

function toJson(file: FileModel): Buffer {
  const packs = file.map(
    ({ pack, places }): IndexPack => ({ id: packId(pack), blobs: places.map((place) => blobOfPack(pack, place)) }),
  );
  return encodeIndexFile(packs);
}

/** What the files say, as sorted lines. */
function linesOf(files: Iterable<FileModel>): string[] {
  const lines = new Set<string>();
  for (const file of files) {
    for (const { pack, places } of file) {
      for (const place of places) lines.add(lineOf(packId(pack), blobOfPack(pack, place)));
    }
  }
  return [...lines].sort();
}

function lineOf(pack: PackId, blob: PackedBlob): string {
  return `${pack} ${blob.type} ${blob.id} ${blob.offset} ${blob.length} ${blob.uncompressedLength}`;
}

function assertIndexSays(index: BlobIndex, files: readonly FileModel[]): void {
  const listed: string[] = [];
  for (const { id, blobs } of index.packs()) listed.push(...blobs.map((blob) => lineOf(id, blob)));
  const expected = linesOf(files);
  assert.deepEqual(listed.sort(), expected);
  const found: string[] = [];
  for (let number = 0; number < 17; number++) {
    for (const type of ["data", "tree"] as const) {
      const locations = index.lookup({ type, id: blobId(number) });
      assert.equal(index.has(type, blobId(number)), locations.length > 0);
      for (const { packId: pack, ...place } of locations)
        found.push(lineOf(pack, { type, id: blobId(number), ...place }));
    }
  }
  assert.deepEqual(found.sort(), expected);
}

test("after each refresh the index says exactly what the present index files say, whatever came and went", () => {
  const world = fc.array(fc.uniqueArray(fc.tuple(fc.nat(9), fc.nat(3)), { selector: ([number]) => number }), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(world, fc.array(fileArbitrary, { minLength: 40, maxLength: 40 }), (rounds, contents) => {
      const index = new BlobIndex(new SharedBlobTable(8));
      for (const round of rounds) {
        // The id of a file stands for its content.
        const files = new Map(round.map(([a, b]) => [a * 4 + b, contents[a * 4 + b] as FileModel]));
        const missing = index.planRefresh([...files.keys()].map(fileId));
        for (const [number, file] of files) {
          if (missing.includes(fileId(number))) index.addFile(fileId(number), IndexFileEntries.decode(toJson(file)));
        }
        index.removeStale();
        assertIndexSays(index, [...files.values()]);
        assert.deepEqual(index.planRefresh([...files.keys()].map(fileId)), []);
      }
    }),
    { numRuns: 300 },
  );
});

test("a refresh that breaks off halfway is made good by the next one", () => {
  const numbers = fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      numbers,
      numbers,
      fc.nat(6),
      fc.array(fileArbitrary, { minLength: 10, maxLength: 10 }),
      (a, b, cut, contents) => {
        const index = new BlobIndex(new SharedBlobTable(8));
        const load = (present: readonly number[], limit: number): void => {
          for (const id of index.planRefresh(present.map(fileId)).slice(0, limit)) {
            const number = present.find((one) => fileId(one) === id) as number;
            index.addFile(id, IndexFileEntries.decode(toJson(contents[number] as FileModel)));
          }
        };
        load(a, 99);
        index.removeStale();
        load(b, cut);
        load(b, 99);
        index.removeStale();
        assertIndexSays(
          index,
          b.map((number) => contents[number] as FileModel),
        );
      },
    ),
    { numRuns: 300 },
  );
});
