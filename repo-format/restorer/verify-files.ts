// Reads the files again that were written, and compares every piece with its id.
import { throwIfCancelled } from "../errors.ts";
import { closeAfterReading, openForReading } from "../file-tree/read-file.ts";
import { withBoundedTasks } from "./bounded-tasks.ts";
import { compareFile, type RestoreThreads } from "./compare-file.ts";
import { fileAction, type RestorePlan } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { TargetDirectories } from "./target-directories.ts";

export interface VerifyContext {
  readonly plan: RestorePlan;
  readonly directories: TargetDirectories;
  readonly threads: RestoreThreads;
  readonly report: RestoreReport;
  readonly signal: AbortSignal | undefined;
}

/** A file that differs has failed: it is reported and gets no metadata. Files that were found equal before are not read again. */
export async function verifyFiles(context: VerifyContext): Promise<void> {
  const { plan, threads, signal } = context;
  await withBoundedTasks(threads.threads * 2, async (tasks) => {
    for (let file = 0; file < plan.files.count; file++) {
      const action = plan.files.action.get(file);
      if (action !== fileAction.create && action !== fileAction.update) continue;
      throwIfCancelled(signal);
      await tasks.start(() => verifyFile(context, file));
    }
  });
}

async function verifyFile({ plan, directories, threads, report, signal }: VerifyContext, file: number): Promise<void> {
  const fail = (message: string): void => {
    plan.files.action.set(file, fileAction.failed);
    report.fail("verify", plan.filePath(file), message);
  };
  let opened: ReturnType<typeof openForReading>;
  try {
    const directory = directories.open(plan.files.directory.get(file));
    opened = openForReading(directory, plan.files.names.bytes(file));
  } catch (error) {
    fail(`it cannot be read again: ${(error as Error).message}`);
    return;
  }
  try {
    const sizeBytes = plan.files.sizeBytes.get(file);
    let firstDifference: number | undefined;
    const onPart = (part: number, isEqual: boolean): void => {
      if (!isEqual) firstDifference ??= plan.parts.fileOffset.get(part);
    };
    const readError = await compareFile(threads, { plan, file, fd: opened.fd }, onPart, signal);
    if (opened.stat.size !== BigInt(sizeBytes)) fail(`it has ${opened.stat.size} bytes instead of ${sizeBytes}`);
    else if (readError !== undefined) fail(`it cannot be read again: ${readError}`);
    else if (firstDifference !== undefined)
      fail(`its bytes from offset ${firstDifference} on are not what was written`);
    else report.filesVerified++;
    report.progress();
  } finally {
    closeAfterReading(opened.fd);
  }
}
