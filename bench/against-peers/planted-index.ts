// An index of a repository that holds much more than is here: index files as the engine writes them, and for each pack that
// they list a file of the right size that takes no room (all of it is a hole), so that a check without data finds nothing.
import { closeSync, ftruncateSync, mkdirSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { type PackedBlob, sealOverheadBytes } from "../../repo-format/format/blob.ts";
import { type BlobId, type Id, idBytes, idFromBytes, type PackId } from "../../repo-format/format/id.ts";
import { encodeIndexFile, type IndexPack } from "../../repo-format/format/index-file.ts";
import { headerLengthBytes, packHeaderLength } from "../../repo-format/format/pack-header.ts";
import { openRepository, openStorage } from "../../repo-format/index.ts";
import { keyOf } from "../../repo-format/storage/key-layout.ts";
import { type ByteSource, randomSource, SeededNumbers } from "../corpus.ts";
import { password } from "./session.ts";

const blobsPerPack = 25;
/** As many as restic puts into one. */
const blobsPerFile = 50_000;
const seed = 700;

/** Data blobs of half a megabyte in the mean; the same for the same number. @param directory of a new repository. */
export async function plantIndex(directory: string, blobs: number): Promise<void> {
  const identity = { hostname: "bench", username: "bench", pid: process.pid, uid: 0, gid: 0 };
  const repository = await openRepository({ storage: await openStorage(directory), password, identity });
  try {
    const [ids, numbers] = [randomSource(seed), new SeededNumbers(seed)];
    for (let left = blobs; left > 0; left -= blobsPerFile) {
      const packs: IndexPack[] = [];
      for (let inFile = Math.min(left, blobsPerFile); inFile > 0; inFile -= blobsPerPack) {
        const pack = inventPack(Math.min(inFile, blobsPerPack), ids, numbers);
        makeHole(join(directory, keyOf("pack", pack.id)), packBytes(pack));
        packs.push(pack);
      }
      await repository.saveUnpacked("index", encodeIndexFile(packs));
    }
  } finally {
    await repository.close();
  }
}

function inventPack(count: number, ids: ByteSource, numbers: SeededNumbers): IndexPack {
  const nextId = <T extends Id>(): T => {
    const bytes = Buffer.alloc(idBytes);
    ids.fill(bytes);
    return idFromBytes<T>(bytes);
  };
  let offset = 0;
  const blobs = Array.from({ length: count }, (): PackedBlob => {
    const length = 200_000 + (numbers.next() % 600_000);
    const blob: PackedBlob = { id: nextId<BlobId>(), type: "data", offset, length, uncompressedLength: 2 * length };
    offset += length;
    return blob;
  });
  return { id: nextId<PackId>(), blobs };
}

function packBytes({ blobs }: IndexPack): number {
  const data = blobs.reduce((sum, { length }) => sum + length, 0);
  return data + packHeaderLength(blobs) + sealOverheadBytes + headerLengthBytes;
}

function makeHole(path: string, bytes: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, "w");
  ftruncateSync(fd, bytes);
  closeSync(fd);
}
