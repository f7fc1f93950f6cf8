// What the doctor asks and answers: a check looks at one thing and says whether it is in order, what is wrong and what to do.

import type { TypedClient } from "../../src/kube/typed-client.ts";
import type { Clock } from "../../src/platform/clock.ts";
import type { RepositoryAccess } from "../../src/repository-access/repository-access.ts";

export type Outcome = "ok" | "warning" | "failed" | "skipped";

export interface Finding {
  readonly outcome: Outcome;
  /** What was found; when it was skipped, why. */
  readonly message: string;
  /** What to do; with every warning and failure. */
  readonly remedy?: string;
  /** The one of several things that this is about, for example a storage location. */
  readonly subject?: string;
  /** True when the agent can do none of its work until this is mended. */
  readonly stopsWork?: boolean;
}

export interface CheckResult extends Finding {
  readonly check: string;
}

/** Where the doctor stands: in the agent's pod it sees the node; anywhere else it sees the cluster only. */
export type Place = "pod" | "outside";

/** What is looked at, and how. */
export interface Patient {
  readonly place: Place;
  readonly client: TypedClient;
  /** The namespace of Velero's resources. */
  readonly namespace: string;
  /** The agent's node; "" outside. */
  readonly nodeName: string;
  readonly hostPodsDir: string;
  readonly scratchDir: string | undefined;
  readonly cacheDirectory: string | undefined;
  /** Whether device nodes are to be restored. */
  readonly restoreDevices: boolean;
  readonly access: RepositoryAccess;
  /** Secrets that were read, for whoever prints. */
  readonly onSecret: (value: string) => void;
  /** The folder that tells about this process: "/proc/self". */
  readonly procFolder: string;
  /** What the container may use at most; undefined: no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly clock: Clock;
}

export interface Check {
  readonly name: string;
  /** "everywhere", or the only place from which it can be seen. */
  readonly from: Place | "everywhere";
  run(patient: Patient, signal: AbortSignal): Promise<Finding | readonly Finding[]>;
}

export function ok(message: string): Finding {
  return { outcome: "ok", message };
}

export function skipped(message: string): Finding {
  return { outcome: "skipped", message };
}

export function warning(message: string, remedy: string): Finding {
  return { outcome: "warning", message, remedy };
}

export function failed(message: string, remedy: string): Finding {
  return { outcome: "failed", message, remedy };
}

/** A failure with which the agent can do nothing at all. */
export function stopsWork(message: string, remedy: string): Finding {
  return { outcome: "failed", message, remedy, stopsWork: true };
}
