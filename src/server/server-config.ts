// Environment and flags of `stowage server` → one frozen ServerConfig, with Velero's names.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../platform/config-error.ts";
import type { LogFormat, LogLevel } from "../platform/logger.ts";
import { countFlag, durationFlag, logLevelFlag, nonEmpty, oneOf, parseRoleFlags } from "../platform/role-flags.ts";

export interface ServerConfig {
  /** Undefined: the namespace of the service account or kubeconfig, else "velero". */
  readonly namespace: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly metricsAddress: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** How long to wait for something in the cluster, such as a repository becoming ready. */
  readonly resourceTimeoutMs: number;
  /** How long all volumes of a Backup may take together. */
  readonly fsBackupTimeoutMs: number;
  readonly maintenanceFrequencyMs: number;
  readonly storeValidationFrequencyMs: number;
  readonly backupTtlMs: number;
  /** Where Backups go that name no storage location, while none says that it is the default. */
  readonly defaultStorageLocation: string;
  /** Back up every volume that is not opted out, where a Backup does not say. */
  readonly defaultVolumesToFs: boolean;
  /** So many Backups read the cluster's objects at the same time; the others wait as New. */
  readonly concurrentBackups: number;
  /** So many pods with backup hooks at the same time, in each Backup. */
  readonly itemBlockWorkers: number;
  /** How often locations are compared with the cluster; 0 for never, where a location does not say. */
  readonly backupSyncPeriodMs: number;
  /** Where files of locations that are directories are given out, HOST:PORT. */
  readonly downloadAddress: string;
  /** Under which URL others reach that; undefined: the pod's address. */
  readonly downloadUrl: string | undefined;
  /** PEM files of its certificate; undefined: one is made. */
  readonly downloadCertificateFile: string | undefined;
  readonly downloadKeyFile: string | undefined;
  readonly podIp: string | undefined;
  /** Where files are gathered before they are uploaded; `main` gives each process a folder of its own in it. */
  readonly scratchDirectory: string;
  /** IANA name; for cron lines that name no time zone. */
  readonly timeZone: string;
  /** Each run of a Schedule that does not say begins later by up to this. */
  readonly scheduleStartJitterMs: number;
  /** What is due when a Schedule is made or changed waits for the next time, where it does not say. */
  readonly scheduleSkipImmediately: boolean;
  /** How often an expired Backup is tried again whose deletion did not succeed. */
  readonly garbageCollectionFrequencyMs: number;
  /** More deletions of Backups than this in an hour and a location need somebody's agreement; 0 for any number. */
  readonly deletionLimit: number;
  /** Within which all that a repository holds is read and verified; 0 for never. */
  readonly repositoryVerificationPeriodMs: number;
  /** Holds the init container of restored pods; undefined: the image that this server runs from. */
  readonly restoreHelperImage: string | undefined;
  /** "true": restored unless the Restore says no; "on-request": only when it says yes; "false": never. */
  readonly restoreClusterRbacAndWebhooks: ClusterRbacAndWebhooks;
  /** How long a Restore waits for a namespace that is being deleted. */
  readonly terminatingResourceTimeoutMs: number;
  /** What was accepted but ignored, as sentences. */
  readonly warnings: readonly string[];
}

export type ClusterRbacAndWebhooks = "true" | "on-request" | "false";

export const serverUsage = `stowage server: turns Backups into PodVolumeBackups, looks after storage locations and repositories

Usage: stowage server [flags]

Environment: VELERO_NAMESPACE, POD_IP

  --kubeconfig FILE                       default: the pod's service account
  --namespace NAME                        default: $VELERO_NAMESPACE, else the service account's namespace
  --default-volumes-to-fs                 back up all volumes of every pod but those that are opted out
                                          (also --default-volumes-to-fs-backup, --default-volumes-to-restic)
  --fs-backup-timeout DURATION            longest time for all volumes of a Backup (default 4h)
  --concurrent-backups NUMBER             Backups that read the cluster's objects at the same time (default 1)
  --item-block-worker-count NUMBER        pods with backup hooks at the same time, in each Backup (default 1)
  --default-backup-ttl DURATION           how long Backups are kept that do not say (default 720h)
  --default-backup-storage-location NAME  used when no location is marked as the default (default "default")
  --default-repo-maintain-frequency DURATION   how often repositories are pruned (default 168h)
  --repository-verification-period DURATION    everything stored is read and verified in this time; 0 for never
                                          (default 720h)
  --garbage-collection-frequency DURATION how often the deletion of an expired Backup is tried again (default 1h)
  --deletion-limit NUMBER                 more deletions in an hour wait until somebody agrees; 0 for none (default 20)
  --schedule-start-jitter DURATION        each run of a Schedule begins later by up to this (default 0)
  --schedule-skip-immediately             new and changed Schedules wait for their next time
  --store-validation-frequency DURATION   how often storage locations are looked at; 0 for once (default 1m)
  --resource-timeout DURATION             longest wait for something in the cluster (default 10m)
  --terminating-resource-timeout DURATION longest wait of a Restore for a namespace to go away (default 10m)
  --restore-cluster-rbac-and-webhooks WHEN  true, false, or on-request: only for a Restore with the annotation
                                          stowage.dev/restore-cluster-rbac-and-webhooks: "true" (default true)
  --restore-helper-image IMAGE            of the container that restored pods wait in (default: the server's own)
  --metrics-address ADDRESS               /metrics, /healthz and /readyz (default :8085)
  --backup-sync-period DURATION           how often Backups that others have put into a location, or taken from it,
                                          are looked for; 0 for never (default 1m)
  --download-address ADDRESS              where logs and the like of locations that are directories are given out over TLS;
                                          stores in S3 sign URLs instead (default :8086)
  --download-url URL                      how that is reached from outside (default: https:// and the pod's address)
  --download-certificate FILE             PEM; with --download-key, instead of a certificate made at the start
  --download-key FILE                     PEM
  --scratch-dir DIR                       where logs and tarballs are written before they are uploaded
                                          (default: stowage-server in the system's folder for temporary files)
  --log-level LEVEL                       debug, info, warning or error (default info)
  --log-format FORMAT                     text or json (default text)
`;

const known = {
  values: [
    "kubeconfig",
    "namespace",
    "metrics-address",
    "log-level",
    "scratch-dir",
    "download-address",
    "download-url",
    "download-certificate",
    "download-key",
    "backup-sync-period",
    "log-format",
    "resource-timeout",
    "fs-backup-timeout",
    "default-backup-ttl",
    "default-backup-storage-location",
    "default-repo-maintain-frequency",
    "store-validation-frequency",
    "repository-verification-period",
    "garbage-collection-frequency",
    "deletion-limit",
    "concurrent-backups",
    "item-block-worker-count",
    "schedule-start-jitter",
    "terminating-resource-timeout",
    "restore-helper-image",
    "restore-cluster-rbac-and-webhooks",
  ],
  switches: ["default-volumes-to-fs", "schedule-skip-immediately", "help"],
  aliases: {
    n: "namespace",
    h: "help",
    "default-volumes-to-fs-backup": "default-volumes-to-fs",
    "default-volumes-to-restic": "default-volumes-to-fs",
    "restic-timeout": "fs-backup-timeout",
  },
} as const;

/**
 * @param argv what follows the role's name.
 * @returns undefined when help was asked for.
 * @throws ConfigError "flag-invalid", "flag-unknown"
 */
export function readServerConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ServerConfig | undefined {
  const { values, switches, warnings } = parseRoleFlags(argv, known);
  if (switches.help === true) return undefined;
  const ms = (flag: keyof typeof values, fallback: string): number => durationFlag(flag, values[flag] ?? fallback);
  return Object.freeze({
    namespace: values.namespace ?? nonEmpty(env.VELERO_NAMESPACE),
    kubeconfig: nonEmpty(values.kubeconfig),
    metricsAddress: values["metrics-address"] ?? ":8085",
    logLevel: logLevelFlag(values["log-level"] ?? "info"),
    logFormat: oneOf("log-format", values["log-format"] ?? "text", ["text", "json"]),
    resourceTimeoutMs: ms("resource-timeout", "10m"),
    terminatingResourceTimeoutMs: ms("terminating-resource-timeout", "10m"),
    restoreClusterRbacAndWebhooks: oneOf(
      "restore-cluster-rbac-and-webhooks",
      values["restore-cluster-rbac-and-webhooks"] ?? "true",
      ["true", "on-request", "false"],
    ),
    fsBackupTimeoutMs: ms("fs-backup-timeout", "4h"),
    maintenanceFrequencyMs: ms("default-repo-maintain-frequency", "168h"),
    storeValidationFrequencyMs: ms("store-validation-frequency", "1m"),
    backupTtlMs: ms("default-backup-ttl", "720h"),
    defaultStorageLocation: values["default-backup-storage-location"] ?? "default",
    defaultVolumesToFs: switches["default-volumes-to-fs"] ?? false,
    concurrentBackups: Math.max(1, countFlag("concurrent-backups", values["concurrent-backups"] ?? "1")),
    itemBlockWorkers: Math.max(1, countFlag("item-block-worker-count", values["item-block-worker-count"] ?? "1")),
    backupSyncPeriodMs: ms("backup-sync-period", "1m"),
    downloadAddress: values["download-address"] ?? ":8086",
    downloadUrl: urlFlag("download-url", nonEmpty(values["download-url"])),
    downloadCertificateFile: nonEmpty(values["download-certificate"]),
    downloadKeyFile: nonEmpty(values["download-key"]),
    podIp: nonEmpty(env.POD_IP),
    scratchDirectory: nonEmpty(values["scratch-dir"]) ?? join(tmpdir(), "stowage-server"),
    timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
    scheduleStartJitterMs: ms("schedule-start-jitter", "0"),
    scheduleSkipImmediately: switches["schedule-skip-immediately"] ?? false,
    garbageCollectionFrequencyMs: ms("garbage-collection-frequency", "1h"),
    deletionLimit: countFlag("deletion-limit", values["deletion-limit"] ?? "20"),
    repositoryVerificationPeriodMs: ms("repository-verification-period", "720h"),
    restoreHelperImage: nonEmpty(values["restore-helper-image"]),
    warnings,
  });
}

function urlFlag(flag: string, text: string | undefined): string | undefined {
  if (text === undefined || URL.parse(text)?.protocol === "https:") return text;
  throw new ConfigError("flag-invalid", `--${flag} ${JSON.stringify(text)} is no https:// URL`, { flag });
}
