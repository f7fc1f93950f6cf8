// A blob table whose owner changes: so that threads, which cost a tenth of a second to start, serve many repositories with
// the same key one after the other.
import type { SharedBlobTable, SharedTableHandle } from "../../repo-format/index/shared-blob-table.ts";
import type { SharedTableSource } from "../../repo-format/workers/pool-thread.ts";

export interface SwitchableTable extends SharedTableSource {
  switchTo(table: SharedBlobTable): void;
}

export function switchableTable(): SwitchableTable {
  let current: SharedBlobTable | undefined;
  let switches = 0;
  const version = (): number => switches * 1_000_000 + (current?.version ?? 0);
  return {
    get version() {
      return version();
    },
    handle(): SharedTableHandle {
      if (current === undefined) throw new Error("bug: no table yet");
      return { ...current.handle(), version: version() };
    },
    switchTo(table) {
      current = table;
      switches++;
    },
  };
}
