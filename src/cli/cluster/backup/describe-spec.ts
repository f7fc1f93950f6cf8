// What a Backup (or the template of a Schedule) was to hold, in words.
import type { BackupResourceHook, BackupSpec, ExecHook } from "../../../api/backup.ts";
import type { Outline } from "../../output/outline.ts";
import { formatSelector } from "../label-selector-text.ts";
import { describeMap } from "../status-text.ts";

/** "true", "false", or what stands for neither. */
export function choiceText(value: boolean | null | undefined, absent: string): string {
  return value === undefined || value === null ? absent : String(value);
}

export function describeBackupSpec(outline: Outline, spec: BackupSpec): void {
  outline.section("Namespaces", () => {
    outline.words("Included", spec.includedNamespaces, "*").words("Excluded", spec.excludedNamespaces);
  });
  outline.gap();
  describeKinds(outline, spec);
  outline.gap().field("Label selector", formatSelector(spec.labelSelector));
  const either = (spec.orLabelSelectors ?? []).map(formatSelector);
  outline.field("Or label selector", either.length === 0 ? "<none>" : either.join(" or "));
  outline.field("Storage Location", spec.storageLocation ?? "<default>");
  outline.field("TTL", spec.ttl ?? "<default>");
  outline.gap().field("File System Backup (Default)", choiceText(spec.defaultVolumesToFsBackup, "<as the server>"));
  outline.field("Velero-Native Snapshot PVs", choiceText(spec.snapshotVolumes, "auto"));
  outline.field("Snapshot Move Data", choiceText(spec.snapshotMoveData, "auto"));
  if (spec.resourcePolicy !== undefined && spec.resourcePolicy !== null) {
    outline.field("Resource policies", `${spec.resourcePolicy.kind} ${spec.resourcePolicy.name}`);
  }
  const parallel = spec.uploaderConfig?.parallelFilesUpload ?? 0;
  if (parallel > 0) outline.field("Parallel files upload", parallel);
  if (spec.itemOperationTimeout !== undefined) outline.field("ItemOperationTimeout", spec.itemOperationTimeout);
  outline.gap();
  describeHooks(outline, spec.hooks?.resources ?? []);
  if (spec.orderedResources !== undefined && spec.orderedResources !== null) {
    describeMap(outline.gap(), "Ordered resources", spec.orderedResources);
  }
}

function describeKinds(outline: Outline, spec: BackupSpec): void {
  const scoped = [
    ["Included cluster-scoped", spec.includedClusterScopedResources, "<none>"],
    ["Excluded cluster-scoped", spec.excludedClusterScopedResources, "<none>"],
    ["Included namespace-scoped", spec.includedNamespaceScopedResources, "*"],
    ["Excluded namespace-scoped", spec.excludedNamespaceScopedResources, "<none>"],
  ] as const;
  outline.section("Resources", () => {
    if (scoped.some(([, kinds]) => kinds !== undefined && kinds !== null && kinds.length > 0)) {
      for (const [label, kinds, absent] of scoped) outline.words(label, kinds, absent);
      return;
    }
    outline.words("Included", spec.includedResources, "*").words("Excluded", spec.excludedResources);
    const { includeClusterResources } = spec;
    const all = includeClusterResources === true ? "included" : "excluded";
    outline.field(
      "Cluster-scoped",
      includeClusterResources === undefined || includeClusterResources === null ? "auto" : all,
    );
  });
}

function describeHooks(outline: Outline, hooks: readonly BackupResourceHook[]): void {
  if (hooks.length === 0) {
    outline.field("Hooks", "<none>");
    return;
  }
  outline.section("Hooks", () => {
    for (const hook of hooks) {
      outline.section(hook.name, () => {
        outline.words("Namespaces", hook.includedNamespaces, "*").words("Excluded namespaces", hook.excludedNamespaces);
        outline.words("Resources", hook.includedResources, "pods").words("Excluded resources", hook.excludedResources);
        outline.field("Label selector", formatSelector(hook.labelSelector));
        for (const pre of hook.pre ?? []) outline.field("Before", execText(pre));
        for (const post of hook.post ?? []) outline.field("After", execText(post));
      });
    }
  });
}

function execText({ exec }: ExecHook): string {
  const where = exec.container === undefined ? "" : ` in ${exec.container}`;
  return `${exec.command.join(" ")}${where} (on error: ${exec.onError ?? "Fail"}, timeout: ${exec.timeout ?? "30s"})`;
}
