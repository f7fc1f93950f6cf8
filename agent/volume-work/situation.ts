// Phase of the resource and state of our transfer → which situation it is. A pure table, so that every combination can
// be looked at in a test.

import { podVolumeStage } from "../../src/api/phases.ts";
import type { VolumeObject } from "./volume-work.ts";

export type Situation =
  /** Nothing to do, for now or for ever. */
  | "idle"
  /** Unclaimed and ours: begin. */
  | "due"
  /** Unclaimed, but can never be carried out. */
  | "refused"
  /** Begun by a process of this node that is gone. */
  | "orphaned"
  /** Our transfer runs. */
  | "running"
  /** Our transfer runs, and somebody has set spec.cancel or has written the end over our head. */
  | "cancelled"
  /** Our transfer has ended; the resource does not say so yet. */
  | "settled"
  /** Our transfer's resource was deleted, or replaced by another of the same name. */
  | "abandoned";

export interface Facts {
  readonly object: VolumeObject | undefined;
  readonly transfer: { readonly uid: string; readonly outcome: unknown } | undefined;
  readonly isDue: boolean;
  readonly isRefused: boolean;
  /** It was InProgress when this process started. */
  readonly isOrphan: boolean;
}

export function situationOf(facts: Facts): Situation {
  const { transfer } = facts;
  // What is being deleted counts as gone, whoever still holds a finalizer on it.
  const object = facts.object?.metadata.deletionTimestamp === undefined ? facts.object : undefined;
  if (transfer !== undefined) {
    if (object?.metadata.uid !== transfer.uid) return "abandoned";
    if (transfer.outcome !== undefined) return "settled";
    return object.spec.cancel === true || podVolumeStage(object) === "ended" ? "cancelled" : "running";
  }
  if (object === undefined) return "idle";
  switch (podVolumeStage(object)) {
    case "ended":
      return "idle";
    case "claimed":
      return facts.isOrphan ? "orphaned" : "idle";
    case "unclaimed":
      if (facts.isRefused) return "refused";
      return facts.isDue ? "due" : "idle";
  }
}
