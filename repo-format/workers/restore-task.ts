// Placeholder: replaced by the restorer's task.
import type { MasterKey } from "../crypto/master-key.ts";

export interface RestoreTask {
  readonly placeholder: true;
}

export interface RestoreTaskResult {
  readonly placeholder: true;
}

export function runRestoreTask(_task: RestoreTask, _key: MasterKey): RestoreTaskResult {
  throw new Error("bug: not here yet");
}
