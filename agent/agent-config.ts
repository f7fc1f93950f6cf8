// Environment and flags of `stowage agent` → one frozen AgentConfig. Flags of Velero's node-agent that mean nothing here
// are accepted with a warning, so that swapping the image never breaks a pod.

import { join } from "node:path";
import { ConfigError } from "../src/platform/config-error.ts";
import type { LogFormat, LogLevel } from "../src/platform/logger.ts";
import { durationFlag, logLevelFlag, nonEmpty, oneOf, parseRoleFlags, sizeFlag } from "../src/platform/role-flags.ts";

export interface AgentConfig {
  readonly nodeName: string;
  /** Undefined: the namespace of the service account or kubeconfig, else "velero". */
  readonly namespace: string | undefined;
  readonly kubeconfig: string | undefined;
  /** Where the kubelet's pods directory is mounted. */
  readonly hostPodsDir: string;
  /** Where this process may keep files that the next one of this pod finds; undefined: nowhere. */
  readonly scratchDir: string | undefined;
  /** Name of the ConfigMap with loadConcurrency; undefined: "node-agent-config" if there is one. */
  readonly nodeAgentConfigMap: string | undefined;
  /** How long to wait for something in the cluster, for example for a repository to become ready. */
  readonly resourceTimeoutMs: number;
  /** How long to wait for a foreign exclusive lock on a repository. */
  readonly lockTimeoutMs: number;
  /** How long a volume may make no progress, unless an annotation says otherwise; 0: for ever. */
  readonly stallTimeoutMs: number;
  /** Where copies of index files, snapshots and trees of repositories in S3 are kept; undefined: nowhere. */
  readonly cacheDirectory: string | undefined;
  /** Of all repositories together; undefined: the engine's limit. */
  readonly cacheMaxBytes: number | undefined;
  readonly metricsAddress: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Whether device nodes in a snapshot are created in the volume. */
  readonly restoreDevices: boolean;
  /** Whether volumes that ought to be mount points may be plain directories; for a kubelet that is only played. */
  readonly allowUnmountedVolumes: boolean;
  /** What was accepted but ignored, as sentences. */
  readonly warnings: readonly string[];
}

export const agentUsage = `stowage agent: backs up and restores the pod volumes of its node

Usage: stowage agent [flags]        (also: node-agent server [flags])
       stowage agent doctor         looks at everything that it needs; has a --help of its own

Environment: NODE_NAME (required), VELERO_NAMESPACE, VELERO_SCRATCH_DIR, TMPDIR

  --kubeconfig FILE           default: the pod's service account
  --namespace NAME            default: $VELERO_NAMESPACE, else the service account's namespace
  --host-pods-dir DIR         the kubelet's pods directory (default /host_pods)
  --scratch-dir DIR           keeps notes for later runs (default: $VELERO_SCRATCH_DIR; without either there are none)
  --node-agent-configmap NAME ConfigMap with loadConcurrency and stowageThrottle (default: node-agent-config, if there is one)
  --resource-timeout DURATION longest wait for something in the cluster (default 10m)
  --lock-timeout DURATION     longest wait for a lock of another program on a repository (default 15m)
  --stall-timeout DURATION    ends a volume that makes no progress for so long (default 30m; 0: never), unless the
                              annotation stowage.dev/stall-timeout of its pod or claim says otherwise
  --cache-dir DIR             keep copies of index files, snapshots and directories of repositories in S3 here, so that
                              an agent that starts again does not fetch them (default: in a pod $TMPDIR/stowage-cache,
                              elsewhere nothing is kept)
  --cache-size SIZE           most that it takes, such as 500M (default: a tenth of the free space, at most 4G)
  --no-cache                  keep nothing
  --restore-devices           create device nodes that a snapshot holds (default: leave them out and say so)
  --allow-unmounted-volumes   believe volumes that are no mount points although their type says so
  --metrics-address ADDRESS   /metrics, /healthz and /readyz (default :8085)
  --log-level LEVEL           debug, info, warning or error (default info)
  --log-format FORMAT         text or json (default text)
`;

const known = {
  values: [
    "kubeconfig",
    "namespace",
    "host-pods-dir",
    "scratch-dir",
    "node-agent-configmap",
    "resource-timeout",
    "lock-timeout",
    "stall-timeout",
    "cache-dir",
    "cache-size",
    "metrics-address",
    "log-level",
    "log-format",
  ],
  switches: ["no-cache", "restore-devices", "allow-unmounted-volumes", "help"],
  aliases: { n: "namespace", h: "help" },
} as const;

/**
 * @param argv what follows the role's name.
 * @returns undefined when help was asked for.
 * @throws ConfigError "flag-invalid", "flag-unknown", "environment-missing"
 */
export function readAgentConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): AgentConfig | undefined {
  const { values, switches, warnings } = parseRoleFlags(argv, known);
  if (switches.help === true) return undefined;
  const nodeName = env.NODE_NAME ?? "";
  if (nodeName === "")
    throw new ConfigError("environment-missing", "NODE_NAME is not set: which node's volumes are ours?");
  return Object.freeze({
    nodeName,
    namespace: values.namespace ?? nonEmpty(env.VELERO_NAMESPACE),
    kubeconfig: nonEmpty(values.kubeconfig),
    hostPodsDir: values["host-pods-dir"] ?? "/host_pods",
    scratchDir: nonEmpty(values["scratch-dir"]) ?? nonEmpty(env.VELERO_SCRATCH_DIR),
    nodeAgentConfigMap: nonEmpty(values["node-agent-configmap"]),
    resourceTimeoutMs: durationFlag("resource-timeout", values["resource-timeout"] ?? "10m"),
    lockTimeoutMs: durationFlag("lock-timeout", values["lock-timeout"] ?? "15m"),
    stallTimeoutMs: durationFlag("stall-timeout", values["stall-timeout"] ?? "30m"),
    cacheDirectory:
      switches["no-cache"] === true ? undefined : (nonEmpty(values["cache-dir"]) ?? defaultCacheDirectory(env)),
    cacheMaxBytes: values["cache-size"] === undefined ? undefined : sizeFlag("cache-size", values["cache-size"]),
    metricsAddress: values["metrics-address"] ?? ":8085",
    logLevel: logLevelFlag(values["log-level"] ?? "info"),
    logFormat: oneOf("log-format", values["log-format"] ?? "text", ["text", "json"]),
    restoreDevices: switches["restore-devices"] ?? false,
    allowUnmountedVolumes: switches["allow-unmounted-volumes"] ?? false,
    warnings,
  });
}

/** In a pod the temporary folder is the pod's own; on a machine others could have put something there. */
export function defaultCacheDirectory(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const isInPod = nonEmpty(env.KUBERNETES_SERVICE_HOST) !== undefined;
  return isInPod ? join(nonEmpty(env.TMPDIR) ?? "/tmp", "stowage-cache") : undefined;
}
