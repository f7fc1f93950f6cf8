// restore describe: what it was to bring back, how it went, and its volumes.
import type { Command } from "commander";
import { labels } from "../../../api/names.ts";
import type { PodVolumeRestore } from "../../../api/pod-volume-restore.ts";
import { backups, podVolumeRestores } from "../../../api/resources.ts";
import type { Restore } from "../../../api/restore.ts";
import { validName } from "../../../api/valid-name.ts";
import type { Outline } from "../../output/outline.ts";
import { choiceText } from "../backup/describe-spec.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { addDescribeCommand, type DescribeOptions } from "../describe.ts";
import { locationOf } from "../download-flags.ts";
import { formatSelector } from "../label-selector-text.ts";
import { describeResourceList, describeResults, type FileContent, problemOf, type RunResults } from "../run-results.ts";
import {
  describeConditions,
  describeMap,
  describeMetadata,
  describeValidationErrors,
  failureReasonOf,
  phaseOf,
} from "../status-text.ts";
import { formatTime } from "../times.ts";
import { describeVolumes } from "../volume-lists.ts";
import { restoreNoun } from "./restore-noun.ts";

interface RestoreFacts {
  readonly volumes: readonly PodVolumeRestore[];
  readonly results?: FileContent<RunResults>;
  readonly resourceList?: FileContent<Readonly<Record<string, readonly string[]>>>;
}

type ShownFacts = RestoreFacts & { readonly details: boolean };

export function addRestoreDescribeCommand(parent: Command, context: ClusterContext): void {
  addDescribeCommand<Restore, RestoreFacts>(parent, context, {
    noun: restoreNoun,
    details: "each volume and each object, too",
    gather,
    describe: describeRestore,
    missing: ({ results, resourceList }) =>
      [results, resourceList].map(problemOf).filter((problem) => problem !== undefined),
  });
}

/** Its files lie where its Backup does. */
export async function restoreLocationName({ spec }: Restore, context: ClusterContext): Promise<string | undefined> {
  if (spec.backupName === undefined || spec.backupName === "") return undefined;
  const { client, signal } = context;
  const backup = await client.find(backups, context.address(spec.backupName), { signal });
  return backup?.spec.storageLocation;
}

async function gather(context: ClusterContext, restore: Restore, options: DescribeOptions): Promise<RestoreFacts> {
  const { client, namespace, signal } = context;
  const { name } = restore.metadata;
  const labelSelector = `${labels.restoreName}=${validName(name)}`;
  const volumes = (await client.list(podVolumeRestores, { namespace, labelSelector, signal })).items;
  const location = await locationOf(context, await restoreLocationName(restore, context));
  const { errors = 0, warnings = 0, completionTimestamp } = restore.status ?? {};
  const read = <T>(kind: "RestoreResults" | "RestoreResourceList"): Promise<FileContent<T>> =>
    options.files.read<T>({ kind, name, location });
  const hasEnded = completionTimestamp !== undefined && completionTimestamp !== null;
  return {
    volumes,
    ...(hasEnded && errors + warnings > 0 ? { results: await read<RunResults>("RestoreResults") } : {}),
    ...(hasEnded && options.details
      ? { resourceList: await read<Record<string, string[]>>("RestoreResourceList") }
      : {}),
  };
}

function describeRestore(outline: Outline, restore: Restore, facts: ShownFacts): void {
  const { metadata, status } = restore;
  describeMetadata(outline, restore);
  const phase = phaseOf(restore);
  const hint =
    phase === "Failed" || phase === "PartiallyFailed" ? `  (see: stowage restore logs ${metadata.name})` : "";
  outline.gap().field("Phase", `${phase}${hint}`);
  const reason = failureReasonOf(restore);
  if (reason !== "" && phase !== "FailedValidation") outline.field("Reason", reason);
  if (status?.progress !== undefined && status.progress !== null) {
    const isRunning = status.phase === "InProgress";
    const [total, done] = isRunning
      ? ["Estimated total items to be restored", "Items restored so far"]
      : ["Total items to be restored", "Items restored"];
    outline.field(total, status.progress.totalItems ?? 0).field(done, status.progress.itemsRestored ?? 0);
  }
  outline.gap().field("Started", formatTime(status?.startTimestamp));
  outline.field("Completed", formatTime(status?.completionTimestamp));
  describeValidationErrors(outline, status?.validationErrors);
  describeResults(outline, status ?? {}, facts.results);
  describeSpec(outline.gap(), restore);
  describeVolumes(outline.gap(), "Pod Volume Restores", facts.volumes, facts.details);
  if (status?.hookStatus !== undefined && status.hookStatus !== null) {
    outline.gap().field("HooksAttempted", status.hookStatus.hooksAttempted ?? 0);
    outline.field("HooksFailed", status.hookStatus.hooksFailed ?? 0);
  }
  describeConditions(outline, restore);
  describeResourceList(outline, facts.resourceList);
}

function describeSpec(outline: Outline, { spec }: Restore): void {
  outline.field("Backup", spec.backupName ?? "");
  if (spec.scheduleName) outline.field("Schedule", spec.scheduleName);
  outline.gap().section("Namespaces", () => {
    const isAll = (spec.includedNamespaces ?? []).every((name) => name === "*");
    outline.words("Included", isAll ? [] : spec.includedNamespaces, "all namespaces found in the backup");
    outline.words("Excluded", spec.excludedNamespaces);
  });
  outline.gap().section("Resources", () => {
    outline.words("Included", spec.includedResources, "*").words("Excluded", spec.excludedResources);
    const { includeClusterResources } = spec;
    const all = includeClusterResources === true ? "included" : "excluded";
    outline.field(
      "Cluster-scoped",
      includeClusterResources === undefined || includeClusterResources === null ? "auto" : all,
    );
  });
  outline.gap();
  describeMap(outline, "Namespace mappings", spec.namespaceMapping);
  outline.field("Label selector", formatSelector(spec.labelSelector));
  const either = (spec.orLabelSelectors ?? []).map(formatSelector);
  outline.field("Or label selector", either.length === 0 ? "<none>" : either.join(" or "));
  outline.field("Restore PVs", choiceText(spec.restorePVs, "auto"));
  outline.field("Existing Resource Policy", spec.existingResourcePolicy || "<none>");
  outline.field("Preserve Service NodePorts", choiceText(spec.preserveNodePorts, "auto"));
  if (spec.resourceModifier !== undefined && spec.resourceModifier !== null) {
    outline.field("Resource modifier", `${spec.resourceModifier.kind} ${spec.resourceModifier.name}`);
  }
}
