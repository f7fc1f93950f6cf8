// A snapshot as restic prints it with --json: the stored document and its id.
import { encodeSnapshot, type FoundSnapshot } from "../../../repo-format/index.ts";

/** The stored fields, then `id` and `short_id`. */
export function snapshotToJson({ id, snapshot }: FoundSnapshot): object {
  return { ...(JSON.parse(encodeSnapshot(snapshot).toString("utf8")) as object), id, short_id: id.slice(0, 8) };
}
