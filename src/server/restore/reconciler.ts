// One step of a Restore: its phase decides which. Carrying it out is one step that may take hours; a server that starts
// finds it InProgress and carries it out again.
import { annotations } from "../../api/names.ts";
import { restores } from "../../api/resources.ts";
import type { Restore, RestorePhase } from "../../api/restore.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { asCodedError, errorFacts, explainError } from "../../platform/coded-error.ts";
import { deleteRestore } from "./delete-restore.ts";
import { endRestore, patchRestore } from "./end-restore.ts";
import type { RestoreContext } from "./restore-context.ts";
import { findSource, scheduleNameLabel } from "./restore-source.ts";
import { runRestore } from "./run-restore.ts";
import type { RunningRestores } from "./running-restores.ts";
import { startRestore } from "./start-restore.ts";
import { stopVolumeRestores } from "./volumes/stop-volume-restores.ts";

interface StepOptions {
  readonly context: RestoreContext;
  readonly running: RunningRestores;
  readonly signal: AbortSignal;
}

type Step = (restore: Restore, options: StepOptions) => Promise<ReconcileResult>;

const start: Step = (restore, { context, signal }) => startRestore(restore, context, signal);
const leaveAlone: Step = async () => ({});

/** The phases of plugins' operations are written by Velero's own server only; those are its to end. */
const steps: Readonly<Record<RestorePhase, Step>> = {
  New: start,
  InProgress: carryOut,
  Finalizing: carryOut,
  FinalizingPartiallyFailed: carryOut,
  WaitingForPluginOperations: leaveAlone,
  WaitingForPluginOperationsPartiallyFailed: leaveAlone,
  FailedValidation: leaveAlone,
  Completed: leaveAlone,
  PartiallyFailed: leaveAlone,
  Failed: leaveAlone,
};

/** Between two runs of one that failed for a reason that may pass. */
const retryMs = 2000;

/** The reconcile function of the Restore controller. */
export function restoreReconciler(context: RestoreContext, running: RunningRestores): Reconcile {
  return async (key, signal) => {
    const restore = await context.client.find(restores, splitKey(key), { signal });
    if (restore === undefined) return {};
    if (restore.metadata.deletionTimestamp !== undefined) {
      await deleteRestore(restore, context, signal);
      return {};
    }
    const phase = restore.status?.phase ?? "";
    const step = steps[phase === "" ? "New" : phase] ?? leaveAlone;
    try {
      return await step(restore, { context, running, signal });
    } catch (error) {
      // Somebody else has changed or deleted the Restore: look again.
      if (KubeError.is(error, "conflict") || KubeError.is(error, "not-found")) return { requeueAfterMs: 100 };
      throw error;
    }
  };
}

async function carryOut(restore: Restore, options: StepOptions): Promise<ReconcileResult> {
  const { context, running, signal } = options;
  const uid = restore.metadata.uid ?? "";
  return (
    (await running.run(uid, signal, async (runSignal) => {
      try {
        if (running.begins(uid)) await countAttempt(restore, context);
        const { backup, location, problems } = await findSource(restore, context, runSignal);
        if (backup === undefined || location === undefined) throw new SourceGone(problems.join("; "));
        const source = { backup, location };
        await runRestore(restore, {
          context,
          source,
          signal: runSignal,
          isHopeless: (error) => isHopeless(error, uid, options),
        });
      } catch (error) {
        runSignal.throwIfAborted();
        if (!isHopeless(error, uid, options)) {
          context.log.warn("a restore was interrupted, will try again", {
            restore: restore.metadata.name,
            ...errorFacts(error),
          });
          return { requeueAfterMs: retryMs };
        }
        await fail(restore, options, error);
      }
      running.forget(uid);
      return {};
    })) ?? { requeueAfterMs: 0 }
  );
}

/** A Restore that brings its server down every time must come to an end, too. */
const maxAttempts = 20;

/** @throws TooManyAttempts */
async function countAttempt(restore: Restore, context: RestoreContext): Promise<void> {
  const before = Number(restore.metadata.annotations?.[annotations.attempts] ?? "0") || 0;
  if (before >= maxAttempts) throw new TooManyAttempts(`the server ended ${before} times while it carried this out`);
  await patchRestore(restore, context, { metadata: { annotations: { [annotations.attempts]: String(before + 1) } } });
}

class TooManyAttempts extends Error {
  readonly code = "restore-attempts-used-up";
  readonly retry = "never";
  readonly hint = "look into the logs of the server's earlier pods; it may need more memory";
}

/** Its Backup was deleted, or its location. */
class SourceGone extends Error {
  readonly code = "restore-source-gone";
  readonly retry = "never";
  readonly hint = "restore from another Backup";
}

/** Outages pass; what can never succeed, or has not for a long time, ends the Restore with the reason. */
function isHopeless(error: unknown, uid: string, { context, running }: StepOptions): boolean {
  const failingMs = running.failingMs(uid, context.clock.monotonicMs());
  const isAboutOthers = KubeError.is(error, "conflict") || KubeError.is(error, "not-found");
  if (failingMs > context.settings.resourceTimeoutMs) return true;
  return asCodedError(error)?.retry === "never" && !isAboutOthers;
}

async function fail(restore: Restore, { context, signal }: StepOptions, error: unknown): Promise<void> {
  const failureReason = context.redact(explainError(error));
  const { backup } = await findSource(restore, context, signal);
  const schedule = backup?.metadata.labels?.[scheduleNameLabel] ?? "";
  const end = { phase: "Failed", failureReason, errors: 1 } as const;
  await endRestore(restore, context, { end, schedule });
  await stopVolumeRestores(restore, context, { reason: `its Restore failed: ${failureReason}`, signal });
}
