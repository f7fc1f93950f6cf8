// Environment and flags of `stowage agent doctor`: the agent's own where they matter, so that it sees what the agent sees.

import { nonEmpty, parseRoleFlags } from "../../src/platform/role-flags.ts";
import { defaultCacheDirectory } from "../agent-config.ts";
import type { Place } from "./finding.ts";

export interface DoctorConfig {
  readonly place: Place;
  /** "" outside. */
  readonly nodeName: string;
  readonly namespace: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly hostPodsDir: string;
  readonly scratchDir: string | undefined;
  readonly cacheDirectory: string | undefined;
  readonly restoreDevices: boolean;
  readonly json: boolean;
  readonly warnings: readonly string[];
}

export const doctorUsage = `stowage agent doctor: looks at everything that the agent needs, and says what is wrong and what to do

Usage: stowage agent doctor [flags]

In the agent's pod it sees the node as well:
  kubectl -n velero exec POD -- stowage agent doctor
From anywhere else, with a kubeconfig, it sees the cluster and the stores only, and says what it left out.

  --json                      one JSON object: ok, and for each check its outcome, message and remedy
  --kubeconfig FILE           default: the pod's service account, else $KUBECONFIG
  --context NAME              context of the kubeconfig
  --namespace NAME            default: $VELERO_NAMESPACE, else the service account's namespace, else velero
  --host-pods-dir DIR, --scratch-dir DIR, --cache-dir DIR, --no-cache, --restore-devices
                              as the agent has them, where it has them

Outcomes: ok, warning (something is missing), failed (something does not work), skipped (not seen from here).
Exit status: 0 when nothing failed, 1 otherwise.
`;

const known = {
  values: ["kubeconfig", "context", "namespace", "host-pods-dir", "scratch-dir", "cache-dir"],
  switches: ["json", "no-cache", "restore-devices", "help"],
  aliases: { n: "namespace", h: "help" },
} as const;

/** @returns undefined when help was asked for. @throws ConfigError "flag-invalid", "flag-unknown" */
export function readDoctorConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DoctorConfig | undefined {
  const { values, switches, warnings } = parseRoleFlags(argv, known);
  if (switches.help === true) return undefined;
  const nodeName = env.NODE_NAME ?? "";
  return {
    // The DaemonSet tells its pods the node's name; nobody else has it.
    place: nodeName === "" ? "outside" : "pod",
    nodeName,
    namespace: values.namespace ?? nonEmpty(env.VELERO_NAMESPACE),
    kubeconfig: nonEmpty(values.kubeconfig),
    context: nonEmpty(values.context),
    hostPodsDir: values["host-pods-dir"] ?? "/host_pods",
    scratchDir: nonEmpty(values["scratch-dir"]) ?? nonEmpty(env.VELERO_SCRATCH_DIR),
    cacheDirectory:
      switches["no-cache"] === true ? undefined : (nonEmpty(values["cache-dir"]) ?? defaultCacheDirectory(env)),
    restoreDevices: switches["restore-devices"] ?? false,
    json: switches.json ?? false,
    warnings,
  };
}
