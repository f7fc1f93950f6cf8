// The first half of a Backup's run: its objects into the tarball, with what hooks and volumes want before and after each pod.
import type { BackupStorageLocation } from "../../../api/backup-storage-location.ts";
import type { PersistentVolumeClaim, Pod } from "../../../api/core.ts";
import { type DiscoveredResource, type Discovery, discoverResources } from "../../../kube/discovery.ts";
import type { HookCounts } from "../../hooks/exec-hook.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { TarballWriter } from "../../tarball/tarball-writer.ts";
import type { BackupContext } from "../backup-context.ts";
import { BackupError } from "../backup-error.ts";
import { chooseNamespaces } from "../choose-namespaces.ts";
import { backUpItems, type ItemsOutcome } from "../items/back-up-items.ts";
import { readNamespaces } from "../read-volume-state.ts";
import { readVolumePolicy } from "../volumes/read-volume-policy.ts";
import type { ActiveRun } from "./active-runs.ts";
import type { BackupRecord } from "./backup-record.ts";
import { leavesOutClaims } from "./leaves-out-claims.ts";
import { PodSteps } from "./pod-steps.ts";
import { PodVolumes } from "./pod-volumes.ts";
import { refreshVolumes } from "./supervise-volumes.ts";

/** What all steps of one run share. */
export interface RunParts {
  readonly context: BackupContext;
  readonly record: BackupRecord;
  readonly location: BackupStorageLocation;
  readonly run: ActiveRun;
  readonly log: RunLog;
  readonly tarball: TarballWriter;
  /** Of this run alone. */
  readonly scratchDirectory: string;
  readonly startedAtMs: number;
  readonly signal: AbortSignal;
}

export interface SavedCluster {
  readonly items: ItemsOutcome;
  readonly volumes: PodVolumes;
  /** Resolves when the volumes of all pods are asked for. */
  readonly finishPods: () => Promise<HookCounts>;
}

export async function saveCluster(parts: RunParts): Promise<SavedCluster> {
  const { context, record, run, log, tarball, scratchDirectory, signal } = parts;
  const { spec } = record.backup;
  const discovery = await discoverResources(context.client, signal);
  const namespaces = await namespacesOf(parts);
  await refreshVolumes({ record, results: run.results, context, signal });
  const volumes = await podVolumes(parts, namespaces, discovery);
  const steps = new PodSteps({ context, record, volumes, results: run.results, log, signal });
  try {
    const items = await backUpItems({
      ...{ client: context.client, discovery, spec, namespaces, log, tarball, scratchDirectory, signal },
      onItem: async (resource, object) => {
        if (isCore(resource, "persistentvolumeclaims")) volumes.noteClaim(object as PersistentVolumeClaim);
        return isCore(resource, "pods") ? await steps.before(object as Pod) : true;
      },
      onSaved: async (resource, object) => {
        if (isCore(resource, "pods")) await steps.after(object as Pod);
      },
      mayTakeLong: (resource, object) => isCore(resource, "pods") && steps.hasHooks(object as Pod),
      longItemsAtOnce: context.settings.itemBlockWorkers,
      onProgress: (progress) => record.progress(progress),
    });
    return { items, volumes, finishPods: () => steps.finish() };
  } catch (error) {
    await steps.abandon();
    throw error;
  }
}

async function namespacesOf({ context, record, log, signal }: RunParts): Promise<readonly string[]> {
  const chosen = chooseNamespaces(await readNamespaces(context, signal), record.backup.spec);
  for (const message of chosen.warnings) log.warning("velero", message);
  for (const message of chosen.errors) log.error("velero", message);
  return chosen.names;
}

async function podVolumes(parts: RunParts, namespaces: readonly string[], discovery: Discovery): Promise<PodVolumes> {
  const { context, record, run, signal } = parts;
  const { policy, problems } = await readVolumePolicy(record.backup.spec.resourcePolicy, context, signal);
  if (problems.length > 0) throw new BackupError("policy-unusable", problems.join("; "));
  return new PodVolumes({
    ...parts,
    namespaces,
    policy,
    withoutClaims: leavesOutClaims(record.backup.spec, discovery),
    results: run.results,
    bellOf: (namespace) => run.bellOf(namespace),
  });
}

function isCore(resource: DiscoveredResource, plural: string): boolean {
  return resource.group === "" && resource.plural === plural;
}
