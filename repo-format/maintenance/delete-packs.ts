// Deletes packs that no index file tells of any more.

import { throwIfCancelled } from "../errors.ts";
import type { PackId } from "../format/id.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";

export interface DeletePacksOptions {
  readonly signal?: AbortSignal | undefined;
  /** A pack that could not be deleted. */
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly onDeleted?: ((done: number, total: number) => void) | undefined;
}

/** A pack that stays behind does no harm: no index knows it, and the next prune deletes it first. */
export async function deletePacks(
  repo: Repository,
  packs: readonly PackId[],
  options: DeletePacksOptions,
): Promise<void> {
  const { signal, onWarning } = options;
  const remove = async (id: PackId): Promise<void> => {
    try {
      await repo.remove("pack", id, signal);
    } catch (error) {
      throwIfCancelled(signal);
      onWarning?.(`pack ${id} could not be deleted: ${(error as Error).message}`);
    }
  };
  const limits = { limit: repo.storage.connections, signal };
  let done = 0;
  for await (const _ of boundedParallel(packs, limits, remove)) options.onDeleted?.(++done, packs.length);
}
