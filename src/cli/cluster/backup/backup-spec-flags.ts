// The flags that say what a Backup holds, with velero's names; `backup create` and `schedule create` share them.
import type { Command } from "commander";
import type { BackupSpec } from "../../../api/backup.ts";
import type { LabelSelector } from "../../../api/kube-object.ts";
import { UsageError } from "../../usage-error.ts";
import {
  choiceParser,
  countParser,
  durationParser,
  parseList,
  parseOrderedResources,
  withoutUndefined,
} from "../flag-values.ts";
import { parseOrSelectors, parseSelector } from "../label-selector-text.ts";

/** Values as commander delivers them, parsed. */
export interface BackupSpecFlags {
  readonly includeNamespaces?: readonly string[];
  readonly excludeNamespaces?: readonly string[];
  readonly includeResources?: readonly string[];
  readonly excludeResources?: readonly string[];
  readonly includeClusterScopedResources?: readonly string[];
  readonly excludeClusterScopedResources?: readonly string[];
  readonly includeNamespaceScopedResources?: readonly string[];
  readonly excludeNamespaceScopedResources?: readonly string[];
  readonly includeClusterResources?: boolean;
  readonly selector?: LabelSelector;
  readonly orSelector?: readonly LabelSelector[];
  readonly orderedResources?: Readonly<Record<string, string>>;
  readonly storageLocation?: string;
  readonly ttl?: string;
  readonly defaultVolumesToFsBackup?: boolean;
  readonly resourcePoliciesConfigmap?: string;
  readonly parallelFilesUpload?: number;
  readonly itemOperationTimeout?: string;
  readonly snapshotVolumes?: boolean;
  readonly snapshotMoveData?: boolean;
  readonly dataMover?: string;
  readonly csiSnapshotTimeout?: string;
  readonly volumeSnapshotLocations?: readonly string[];
}

const namesOfFlags: Readonly<Record<keyof BackupSpecFlags, string>> = {
  includeNamespaces: "--include-namespaces",
  excludeNamespaces: "--exclude-namespaces",
  includeResources: "--include-resources",
  excludeResources: "--exclude-resources",
  includeClusterScopedResources: "--include-cluster-scoped-resources",
  excludeClusterScopedResources: "--exclude-cluster-scoped-resources",
  includeNamespaceScopedResources: "--include-namespace-scoped-resources",
  excludeNamespaceScopedResources: "--exclude-namespace-scoped-resources",
  includeClusterResources: "--include-cluster-resources",
  selector: "--selector",
  orSelector: "--or-selector",
  orderedResources: "--ordered-resources",
  storageLocation: "--storage-location",
  ttl: "--ttl",
  defaultVolumesToFsBackup: "--default-volumes-to-fs-backup",
  resourcePoliciesConfigmap: "--resource-policies-configmap",
  parallelFilesUpload: "--parallel-files-upload",
  itemOperationTimeout: "--item-operation-timeout",
  snapshotVolumes: "--snapshot-volumes",
  snapshotMoveData: "--snapshot-move-data",
  dataMover: "--data-mover",
  csiSnapshotTimeout: "--csi-snapshot-timeout",
  volumeSnapshotLocations: "--volume-snapshot-locations",
};

/** Those of the flags that were given, as they are written. */
export function givenSpecFlags(flags: BackupSpecFlags): string[] {
  const given = Object.entries(namesOfFlags).filter(([name]) => flags[name as keyof BackupSpecFlags] !== undefined);
  return given.map(([, flag]) => flag);
}

const which = "What is backed up:";
const how = "How:";
const other = "Of Velero's, for what this server does not do:";

export function addBackupSpecFlags(command: Command): Command {
  addFilterFlags(command.optionsGroup(which));
  addVolumeFlags(command.optionsGroup(how));
  addSnapshotFlags(command.optionsGroup(other));
  return command.optionsGroup("Options:");
}

function addFilterFlags(command: Command): void {
  const { includeClusterResources } = namesOfFlags;
  command
    .option("--include-namespaces <names>", "these namespaces (default: all)", parseList)
    .option("--exclude-namespaces <names>", "not these namespaces", parseList)
    .option("--include-resources <kinds>", "these kinds, such as pods,deployments.apps (default: all)", parseList)
    .option("--exclude-resources <kinds>", "not these kinds", parseList)
    .option(
      "--include-cluster-resources <true|false>",
      "objects outside of namespaces: all, or none (default: those that are needed)",
      choiceParser(includeClusterResources),
    )
    .option("--include-cluster-scoped-resources <kinds>", "kinds outside of namespaces; not with the above", parseList)
    .option("--exclude-cluster-scoped-resources <kinds>", "not these of them", parseList)
    .option("--include-namespace-scoped-resources <kinds>", "kinds inside of namespaces", parseList)
    .option("--exclude-namespace-scoped-resources <kinds>", "not these of them", parseList)
    .option("-l, --selector <selector>", "objects with these labels, such as app=web,tier!=cache", parseSelector)
    .option("--or-selector <selectors>", 'objects that one of these fits: "app=web or app=db"', parseOrSelectors)
    .option(
      "--ordered-resources <order>",
      'these first, in this order: "pods=ns1/a,ns1/b;persistentvolumes=pv4"',
      parseOrderedResources,
    );
}

function addVolumeFlags(command: Command): void {
  command
    .option("--storage-location <name>", "where to store it (default: the default location)")
    .option("--ttl <duration>", "remove it after so long, such as 720h", durationParser(namesOfFlags.ttl))
    .option(
      "--default-volumes-to-fs-backup <true|false>",
      "take the files of all volumes, but those that pods opt out",
      choiceParser(namesOfFlags.defaultVolumesToFsBackup),
    )
    .option("--resource-policies-configmap <name>", "ConfigMap with policies that say which volumes are taken")
    .option(
      "--parallel-files-upload <n>",
      "files of a volume that are read at the same time",
      countParser(namesOfFlags.parallelFilesUpload),
    );
}

function addSnapshotFlags(command: Command): void {
  command
    .option("--snapshot-volumes <true|false>", "snapshots of volumes", choiceParser(namesOfFlags.snapshotVolumes))
    .option("--snapshot-move-data <true|false>", "move their data", choiceParser(namesOfFlags.snapshotMoveData))
    .option("--data-mover <name>", "who moves them")
    .option("--csi-snapshot-timeout <duration>", "for one snapshot", durationParser(namesOfFlags.csiSnapshotTimeout))
    .option("--volume-snapshot-locations <names>", "where snapshots are kept", parseList)
    .option(
      "--item-operation-timeout <duration>",
      "for what plugins do",
      durationParser(namesOfFlags.itemOperationTimeout),
    );
}

/** The spec that the flags stand for. @throws UsageError for flags that exclude each other */
export function backupSpecOf(flags: BackupSpecFlags): BackupSpec {
  refuseContradictions(flags);
  return withoutUndefined({
    includedNamespaces: flags.includeNamespaces ?? ["*"],
    excludedNamespaces: flags.excludeNamespaces,
    includedResources: flags.includeResources,
    excludedResources: flags.excludeResources,
    includedClusterScopedResources: flags.includeClusterScopedResources,
    excludedClusterScopedResources: flags.excludeClusterScopedResources,
    includedNamespaceScopedResources: flags.includeNamespaceScopedResources,
    excludedNamespaceScopedResources: flags.excludeNamespaceScopedResources,
    includeClusterResources: flags.includeClusterResources,
    labelSelector: flags.selector,
    orLabelSelectors: flags.orSelector,
    orderedResources: flags.orderedResources,
    storageLocation: flags.storageLocation,
    ttl: flags.ttl,
    defaultVolumesToFsBackup: flags.defaultVolumesToFsBackup,
    resourcePolicy:
      flags.resourcePoliciesConfigmap === undefined
        ? undefined
        : { kind: "configmap", name: flags.resourcePoliciesConfigmap },
    uploaderConfig:
      flags.parallelFilesUpload === undefined ? undefined : { parallelFilesUpload: flags.parallelFilesUpload },
    snapshotVolumes: flags.snapshotVolumes,
    snapshotMoveData: flags.snapshotMoveData,
    datamover: flags.dataMover,
    csiSnapshotTimeout: flags.csiSnapshotTimeout,
    volumeSnapshotLocations: flags.volumeSnapshotLocations,
    itemOperationTimeout: flags.itemOperationTimeout,
  });
}

function refuseContradictions(flags: BackupSpecFlags): void {
  if (flags.selector !== undefined && flags.orSelector !== undefined) {
    throw new UsageError("give --selector or --or-selector, not both");
  }
  const given = givenSpecFlags(flags);
  const old = given.filter((flag) => /^--(include|exclude)-resources$|^--include-cluster-resources$/.test(flag));
  const scoped = given.filter((flag) => flag.endsWith("-scoped-resources"));
  if (old.length > 0 && scoped.length > 0) {
    throw new UsageError(
      `${old.join(", ")} and ${scoped.join(", ")} exclude each other: kinds are chosen together or by their scope`,
    );
  }
}
