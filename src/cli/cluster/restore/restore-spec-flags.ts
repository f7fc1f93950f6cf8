// The flags that say what a Restore brings back and how, with velero's names.
import type { Command } from "commander";
import type { LabelSelector } from "../../../api/kube-object.ts";
import type { RestoreSpec } from "../../../api/restore.ts";
import { UsageError } from "../../usage-error.ts";
import {
  choiceParser,
  countParser,
  durationParser,
  mapParser,
  parseList,
  withoutUndefined,
  wordParser,
} from "../flag-values.ts";
import { parseOrSelectors, parseSelector } from "../label-selector-text.ts";

/** Values as commander delivers them, parsed. */
export interface RestoreSpecFlags {
  readonly fromBackup?: string | undefined;
  readonly fromSchedule?: string | undefined;
  readonly includeNamespaces?: readonly string[];
  readonly excludeNamespaces?: readonly string[];
  readonly includeResources?: readonly string[];
  readonly excludeResources?: readonly string[];
  readonly includeClusterResources?: boolean;
  readonly selector?: LabelSelector;
  readonly orSelector?: readonly LabelSelector[];
  readonly namespaceMappings?: Readonly<Record<string, string>>;
  readonly existingResourcePolicy?: string;
  readonly statusIncludeResources?: readonly string[];
  readonly statusExcludeResources?: readonly string[];
  readonly restoreVolumes?: boolean;
  readonly preserveNodeports?: boolean;
  readonly resourceModifierConfigmap?: string;
  readonly writeSparseFiles?: boolean;
  readonly parallelFilesDownload?: number;
  readonly itemOperationTimeout?: string;
}

const which = "What is restored:";
const how = "How:";

export function addRestoreSpecFlags(command: Command): Command {
  addFilterFlags(command.optionsGroup(which));
  addMannerFlags(command.optionsGroup(how));
  return command.optionsGroup("Options:");
}

function addFilterFlags(command: Command): void {
  command
    .option("--include-namespaces <names>", "these namespaces of the backup (default: all)", parseList)
    .option("--exclude-namespaces <names>", "not these namespaces", parseList)
    .option("--include-resources <kinds>", "these kinds, such as pods,deployments.apps (default: all)", parseList)
    .option("--exclude-resources <kinds>", "not these kinds", parseList)
    .option(
      "--include-cluster-resources <true|false>",
      "objects outside of namespaces: all, or none (default: those that are needed)",
      choiceParser("--include-cluster-resources"),
    )
    .option("-l, --selector <selector>", "objects with these labels, such as app=web,tier!=cache", parseSelector)
    .option("--or-selector <selectors>", 'objects that one of these fits: "app=web or app=db"', parseOrSelectors)
    .option("--restore-volumes <true|false>", "bring back volumes", choiceParser("--restore-volumes"));
}

function addMannerFlags(command: Command): void {
  command
    .option(
      "--namespace-mappings <mappings>",
      "into other namespaces, such as shop:shop-test,db:db-test",
      mapParser("--namespace-mappings", ":"),
    )
    .option(
      "--existing-resource-policy <policy>",
      "what is there already: none (stays as it is) or update",
      wordParser("--existing-resource-policy", ["none", "update"]),
    )
    .option("--status-include-resources <kinds>", "bring back the status of these kinds, too", parseList)
    .option("--status-exclude-resources <kinds>", "but not of these", parseList)
    .option("--preserve-nodeports <true|false>", "Services keep their node ports", choiceParser("--preserve-nodeports"))
    .option("--resource-modifier-configmap <name>", "ConfigMap with changes to the objects")
    .option("--write-sparse-files <true|false>", "holes instead of zeros", choiceParser("--write-sparse-files"))
    .option(
      "--parallel-files-download <n>",
      "files of a volume that are written at the same time",
      countParser("--parallel-files-download"),
    )
    .option(
      "--item-operation-timeout <duration>",
      "of Velero's: for what plugins do",
      durationParser("--item-operation-timeout"),
    );
}

/** The spec that the flags stand for. @throws UsageError for flags that exclude each other */
export function restoreSpecOf(flags: RestoreSpecFlags): RestoreSpec {
  if (flags.selector !== undefined && flags.orSelector !== undefined) {
    throw new UsageError("give --selector or --or-selector, not both");
  }
  const { statusIncludeResources, statusExcludeResources, writeSparseFiles, parallelFilesDownload } = flags;
  const hasStatus = statusIncludeResources !== undefined || statusExcludeResources !== undefined;
  const hasUploader = writeSparseFiles !== undefined || parallelFilesDownload !== undefined;
  return withoutUndefined({
    backupName: flags.fromBackup,
    scheduleName: flags.fromSchedule,
    includedNamespaces: flags.includeNamespaces ?? ["*"],
    excludedNamespaces: flags.excludeNamespaces,
    includedResources: flags.includeResources,
    excludedResources: flags.excludeResources,
    includeClusterResources: flags.includeClusterResources,
    labelSelector: flags.selector,
    orLabelSelectors: flags.orSelector,
    namespaceMapping: flags.namespaceMappings,
    existingResourcePolicy: flags.existingResourcePolicy,
    restoreStatus: hasStatus
      ? withoutUndefined({ includedResources: statusIncludeResources, excludedResources: statusExcludeResources })
      : undefined,
    restorePVs: flags.restoreVolumes,
    preserveNodePorts: flags.preserveNodeports,
    resourceModifier:
      flags.resourceModifierConfigmap === undefined
        ? undefined
        : { apiGroup: "", kind: "configmap", name: flags.resourceModifierConfigmap },
    uploaderConfig: hasUploader ? withoutUndefined({ writeSparseFiles, parallelFilesDownload }) : undefined,
    itemOperationTimeout: flags.itemOperationTimeout,
  });
}
