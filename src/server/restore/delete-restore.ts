// The end of a Restore that somebody deletes: its volumes stop, its files leave the location, and it is let go.

import { restores } from "../../api/resources.ts";
import type { Restore } from "../../api/restore.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import { asCodedError, errorFacts } from "../../platform/coded-error.ts";
import type { RestoreContext } from "./restore-context.ts";
import { findSource } from "./restore-source.ts";
import { restoreFinalizer } from "./start-restore.ts";
import { stopVolumeRestores } from "./volumes/stop-volume-restores.ts";

/** @throws what may pass: the Restore is kept until its files are gone, but not for ever */
export async function deleteRestore(restore: Restore, context: RestoreContext, signal: AbortSignal): Promise<void> {
  const { name, finalizers = [], resourceVersion } = restore.metadata;
  if (!finalizers.includes(restoreFinalizer)) return;
  await stopVolumeRestores(restore, context, { reason: "its Restore was deleted", signal });
  await removeFiles(restore, context, signal);
  const patch = { metadata: { resourceVersion, finalizers: finalizers.filter((one) => one !== restoreFinalizer) } };
  try {
    await context.client.mergePatch(restores, { namespace: context.namespace, name }, patch, { signal });
  } catch (error) {
    if (!KubeError.is(error, "not-found")) throw error;
  }
}

async function removeFiles(restore: Restore, context: RestoreContext, signal: AbortSignal): Promise<void> {
  const { log } = context;
  const { name } = restore.metadata;
  const { location } = await findSource(restore, context, signal);
  if (location === undefined) {
    log.info("a restore is deleted; nobody knows any more where its files are", { restore: name });
    return;
  }
  try {
    const store = await context.openLocationStore(location, signal);
    try {
      await store.deleteRestore(name, signal);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (signal.aborted || !isTooLate(restore, context, error)) throw error;
    const facts = { restore: name, location: location.metadata.name, ...errorFacts(error) };
    log.warn("a restore is deleted, but its files stay in the location", facts);
  }
}

/** A namespace must not wait for ever because a bucket is gone. */
function isTooLate({ metadata }: Restore, { clock, settings }: RestoreContext, error: unknown): boolean {
  const deletedMs = parseTimestamp(metadata.deletionTimestamp) ?? 0;
  return asCodedError(error)?.retry === "never" || clock.now() - deletedMs > settings.resourceTimeoutMs;
}
