// Ids of the all-zero blobs that backups write for holes: restic's 512 KiB and this program's 8 MiB (see the chunker).
import { type BlobId, idOf } from "../format/id.ts";

const sizesBytes = [512 * 1024, 8 * 1024 * 1024] as const;
let known: ReadonlySet<BlobId> | undefined;

export function zeroChunkIds(): ReadonlySet<BlobId> {
  known ??= new Set(sizesBytes.map((size) => idOf<BlobId>(Buffer.alloc(size))));
  return known;
}
