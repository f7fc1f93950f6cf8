// What is noted of an entry when a thread, or the main one, is done with it.
import { fileAction, type RestorePlan } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";

interface Problem {
  readonly message: string;
  readonly isError: boolean;
}

/** A new file is there with its metadata, as far as they can be set. */
export function noteFinished(
  plan: RestorePlan,
  report: RestoreReport,
  file: number,
  problems: readonly Problem[],
): void {
  plan.files.action.set(file, fileAction.finished);
  noteProblems(report, () => plan.filePath(file), problems);
}

/** A file has all its bytes. */
export function noteComplete(plan: RestorePlan, report: RestoreReport, file: number): void {
  const action = plan.files.action.get(file) === fileAction.update ? "file updated" : "file restored";
  report.restored(action, () => plan.filePath(file), plan.files.sizeBytes.get(file));
}

/** @returns false when one of them means that the entry is not as it was saved. */
export function noteProblems(report: RestoreReport, path: () => string, problems: readonly Problem[]): boolean {
  for (const { message, isError } of problems) {
    if (isError) report.fail("metadata", path(), message);
    else report.note("metadata", path(), message);
  }
  return !problems.some(({ isError }) => isError);
}
