// Refuses a Restore that cannot be carried out, with sentences for `status.validationErrors`.
import { annotations } from "../../api/names.ts";
import type { Restore } from "../../api/restore.ts";
import { parseDuration } from "../../platform/duration.ts";
import { validateRestoreHooks } from "../hooks/validate-hooks.ts";
import { tooLongToStore } from "../location-store/layout.ts";
import { validateRestoredObjects } from "./objects/validate-restore-spec.ts";

/** Of the spec alone; whether its Backup is there is another question. */
export function validateRestore(restore: Restore): string[] {
  const nameProblem = tooLongToStore("restore", restore.metadata.name);
  return [
    ...(nameProblem === undefined ? [] : [`the Restore ${nameProblem}`]),
    ...sourceProblems(restore),
    ...validateRestoredObjects(restore.spec),
    ...validateRestoreHooks(restore.spec.hooks),
    ...timeoutProblems(restore),
  ];
}

function sourceProblems({ spec }: Restore): string[] {
  const { backupName = "", scheduleName = "" } = spec;
  if ((backupName === "") !== (scheduleName === "")) return [];
  return ["exactly one of spec.backupName and spec.scheduleName must be given"];
}

function timeoutProblems({ metadata }: Restore): string[] {
  const name = annotations.podVolumeTimeout;
  const timeout = metadata.annotations?.[name];
  if (timeout === undefined || (parseDuration(timeout) ?? 0) > 0) return [];
  return [`the annotation ${name}: ${JSON.stringify(timeout)} is not a duration such as 4h0m0s`];
}
