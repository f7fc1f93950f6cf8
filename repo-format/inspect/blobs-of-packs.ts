// What lies in a pack, by the index or, for a pack that the index does not know, by the pack's own header.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { PackedBlob } from "../format/blob.ts";
import type { PackId } from "../format/id.ts";
import { decodePackHeader, headerLengthBytes } from "../format/pack-header.ts";
import type { Repository } from "../repository/repository.ts";
import { type WantedBlobs, WantedIds } from "./wanted-ids.ts";

/**
 * The blobs of packs. A pack that the index does not know is asked itself. The index must be loaded.
 * @param names ids of packs, or their first digits.
 * @param onMissing told of packs that are gone: the index says what was in them.
 * @throws RepositoryError "pack-missing" naming what neither the store nor the index knows.
 */
export async function blobsOfPacks(
  repo: Repository,
  names: readonly string[],
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onMissing?: ((packs: readonly PackId[]) => void) | undefined;
  } = {},
): Promise<Required<WantedBlobs>> {
  const { signal, onMissing } = options;
  const wanted = new WantedIds(names);
  const found = { data: new WantedIds(), tree: new WantedIds() };
  const missing = new Set(names);
  const stored = new Map<PackId, number>();
  for await (const { id, sizeBytes } of repo.list("pack", signal)) {
    const name = wanted.nameOf(id);
    if (name === undefined) continue;
    missing.delete(name);
    stored.set(id as PackId, sizeBytes);
  }
  const gone: PackId[] = [];
  for (const { id, blobs } of repo.index.packs((id) => wanted.nameOf(id) !== undefined)) {
    throwIfCancelled(signal);
    missing.delete(wanted.nameOf(id) ?? "");
    if (!stored.delete(id)) gone.push(id);
    for (const blob of blobs) found[blob.type].add(blob.id);
  }
  for (const [id, sizeBytes] of stored)
    for (const blob of await readHeader(repo, id, sizeBytes, signal)) found[blob.type].add(blob.id);
  if (missing.size > 0)
    throw new RepositoryError(
      "pack-missing",
      `neither the store nor the index has the pack ${[...missing].join(", ")}`,
    );
  if (gone.length > 0) onMissing?.(gone);
  return found;
}

async function readHeader(
  repo: Repository,
  id: PackId,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<PackedBlob[]> {
  const end = sizeBytes - headerLengthBytes;
  const lengthBytes = end < 0 ? 0 : (await repo.readPackRange(id, end, headerLengthBytes, signal)).readUInt32LE();
  if (lengthBytes === 0 || lengthBytes > end)
    throw new RepositoryError("pack-damaged", `the pack ${id} has ${sizeBytes} bytes and no header`);
  return decodePackHeader(repo.sealer.open(await repo.readPackRange(id, end - lengthBytes, lengthBytes, signal)));
}
