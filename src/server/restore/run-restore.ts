// Carries a Restore out, from the Backup's files to the files that it leaves itself. It may be begun again from the start at
// any point: objects, volumes and hooks that an earlier run has seen to are found and counted, not made twice.
import type { Restore } from "../../api/restore.ts";
import { explainError } from "../../platform/coded-error.ts";
import type { HookCounts } from "../hooks/exec-hook.ts";
import { RestoreHooks } from "../hooks/restore-hooks.ts";
import { createRunLog } from "../run-log/create-run-log.ts";
import type { RunLog } from "../run-log/run-log.ts";
import { claimsToFinish } from "./claims-to-finish.ts";
import { endRestore, patchRestore } from "./end-restore.ts";
import { restoreObjects } from "./objects/restore-objects.ts";
import type { RestoreObjectsOutcome } from "./objects/restore-objects-options.ts";
import { readRestoreRules } from "./objects/restore-rules.ts";
import { openBackup } from "./open-backup.ts";
import { ProgressReporter } from "./progress-reporter.ts";
import type { RestoreContext } from "./restore-context.ts";
import { storeRestoreFiles } from "./restore-files.ts";
import { type RestoreSource, scheduleNameLabel } from "./restore-source.ts";
import { RestoredPods } from "./restored-pods.ts";
import { summarise } from "./summarise-results.ts";
import { emptyClaims } from "./volumes/empty-claims.ts";
import { type ClaimToFinish, patchPersistentVolumes } from "./volumes/patch-persistent-volumes.ts";
import { VolumeBackupsByPod } from "./volumes/pod-snapshots.ts";
import { type EndedVolumeRestore, restoreVolumeInfos } from "./volumes/restore-volume-info.ts";
import { VolumeRestores } from "./volumes/volume-restores.ts";

export interface RunOptions {
  readonly context: RestoreContext;
  readonly source: RestoreSource;
  /** Of what a run throws: it will not be repeated. */
  readonly isHopeless: (error: unknown) => boolean;
  readonly signal: AbortSignal;
}

interface Run extends RunOptions {
  readonly restore: Restore;
  readonly log: RunLog;
}

/** What came of it, but for what only the log knows. */
interface Outcome extends RestoreObjectsOutcome {
  readonly volumes: readonly EndedVolumeRestore[];
  readonly claims: readonly ClaimToFinish[];
  readonly hooks: HookCounts;
}

/** @throws what keeps it from being carried out; the Restore is then as it was, and the run can be repeated */
export async function runRestore(restore: Restore, options: RunOptions): Promise<void> {
  const { log, redact, settings } = options.context;
  const { namespace, name } = restore.metadata;
  const facts = { restore: `${namespace}/${name}` };
  const runLog = await createRunLog({ scratchDirectory: settings.scratchDirectory, log, redact, facts });
  const run: Run = { ...options, restore, log: runLog };
  try {
    runLog.log.info("starting restore", { backup: options.source.backup.metadata.name });
    const outcome = await carryOut(run);
    await finish(run, outcome);
  } catch (error) {
    if (!run.signal.aborted && options.isHopeless(error)) await storeFailure(run, error);
    throw error;
  } finally {
    await runLog.discard();
  }
}

async function carryOut(run: Run): Promise<Outcome> {
  const { restore, context, source, log } = run;
  // What goes on in the background must not outlive a run that fails.
  const stop = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  const { client, exec, clock, settings } = context;
  const defaultWaitMs = settings.fsBackupTimeoutMs;
  const volumes = new VolumeRestores({ context, restore, location: source.location, log, signal });
  const hooks = new RestoreHooks({ restore, client, exec, clock, log, defaultWaitMs, signal });
  try {
    const { claims, ...restored } = await restoreContents({ ...run, signal }, { volumes, hooks });
    const ended = await volumes.finish();
    for (const pod of volumes.failedPods) hooks.abandon(pod);
    return { ...restored, claims, volumes: ended, hooks: await hooks.finish() };
  } finally {
    stop.abort(new Error("the restore has ended"));
    // It ends its watch whatever has happened.
    await hooks.finish().catch(() => undefined);
  }
}

/** All objects; volumes and hooks have begun when it returns. */
async function restoreContents(
  run: Run,
  { volumes, hooks }: { readonly volumes: VolumeRestores; readonly hooks: RestoreHooks },
): Promise<Omit<Outcome, "volumes" | "hooks">> {
  const { restore, context, source, log, signal } = run;
  const { client, namespace, settings } = context;
  const rules = await readRestoreRules({ client, namespace, restore, signal });
  if (rules.problems.length > 0) throw new UnusableSettings(rules.problems.join("; "));
  const opened = await openBackup(source, context, signal);
  const { contents, volumeInfo, volumeBackups } = opened;
  const progress = new ProgressReporter(restore, context);
  try {
    const byPod = new VolumeBackupsByPod(volumeBackups);
    const pods = new RestoredPods({ context, restore, volumeBackups: byPod, volumes, hooks, log, signal });
    const outcome = await restoreObjects({
      ...{ ...context, contents, restore, rules, log, signal },
      backup: source.backup,
      volumes: { volumeInfo, podVolumeBackups: volumeBackups },
      clusterRbacAndWebhooks: settings.restoreClusterRbacAndWebhooks,
      terminatingTimeoutMs: settings.terminatingResourceTimeoutMs,
      transformPod: (pod, original) => pods.transform(pod, original),
      onPodRestored: async (pod, original) => pods.begin(pod, original),
      onProgress: (done) => progress.report(done),
    });
    for (const { namespace: place, warning } of emptyClaims(outcome.reprovisioned, volumeBackups, pods.originals))
      log.warning({ namespace: place }, warning);
    return { ...outcome, claims: await claimsToFinish(outcome.reprovisioned, opened, log) };
  } finally {
    await progress.finish();
    await contents.close();
  }
}

/** Somebody has changed a ConfigMap since the Restore was accepted. */
class UnusableSettings extends Error {
  readonly code = "restore-settings-unusable";
  readonly retry = "never";
  readonly hint = "correct the ConfigMap and restore again";
}

async function finish(run: Run, outcome: Outcome): Promise<void> {
  const { restore, context, source, log, signal } = run;
  const { progress } = outcome;
  const hookStatus = { hooksAttempted: outcome.hooks.attempted, hooksFailed: outcome.hooks.failed };
  const counts = (): { warnings: number; errors: number } => ({
    warnings: log.warningCount,
    errors: log.errorCount,
  });
  const phase = log.errorCount > 0 ? "FinalizingPartiallyFailed" : "Finalizing";
  const current = await patchRestore(restore, context, { status: { phase, progress, hookStatus, ...counts() } });
  await patchPersistentVolumes(outcome.claims, { context, log, signal });
  const volumeInfos = await restoreVolumeInfos(outcome.volumes, context.client, signal);
  log.log.info("restore completed", { ...progress, ...counts() });
  await storeFiles(run, outcome, volumeInfos);
  const failed = log.errorCount > 0;
  await endRestore(current, context, {
    schedule: source.backup.metadata.labels?.[scheduleNameLabel] ?? "",
    end: {
      ...{ phase: failed ? "PartiallyFailed" : "Completed", progress, hookStatus, ...counts() },
      ...(failed ? { failureReason: summarise(log.results.errors, log.errorCount) } : {}),
    },
  });
  const completed = outcome.volumes.filter(({ volumeRestore }) => volumeRestore.status?.phase === "Completed").length;
  context.metrics.countVolumes("completed", completed);
  context.metrics.countVolumes("failed", outcome.volumes.length - completed);
}

/** So that whoever looks for the log finds the reason. */
async function storeFailure(run: Run, error: unknown): Promise<void> {
  run.log.error("velero", `the restore cannot be carried out: ${explainError(error)}`);
  await storeFiles(run, { resourceList: {} }, []);
}

/** Without them users cannot see what went wrong: that counts, but where nobody is supposed to write. */
async function storeFiles(
  run: Run,
  { resourceList }: Pick<Outcome, "resourceList">,
  volumeInfos: Awaited<ReturnType<typeof restoreVolumeInfos>>,
): Promise<void> {
  const { restore, context, source, log, signal } = run;
  const { location } = source;
  const files = { name: restore.metadata.name, log, resourceList, volumeInfos };
  try {
    await storeRestoreFiles(files, location, { context, signal });
  } catch (error) {
    signal.throwIfAborted();
    const message = `the restore's log and results cannot be stored in location ${location.metadata.name}: ${explainError(error)}`;
    if (location.spec.accessMode === "ReadOnly") log.warning("velero", message);
    else log.error("velero", message);
  }
}
