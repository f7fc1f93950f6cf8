// What every part of the agent needs: who it is, how it reaches the cluster, the clock, the log.

import type { CrdLookup } from "../src/kube/crd-lookup.ts";
import type { EventRecorder } from "../src/kube/events.ts";
import type { TypedClient } from "../src/kube/typed-client.ts";
import type { Clock } from "../src/platform/clock.ts";
import type { Logger } from "../src/platform/logger.ts";
import type { AgentConfig } from "./agent-config.ts";
import type { AgentMetrics } from "./agent-metrics.ts";
import type { KeptLocks } from "./data-path/kept-locks.ts";
import type { KeptNotes } from "./data-path/kept-notes.ts";
import type { KeptThreads } from "./data-path/kept-threads.ts";
import type { Throttle } from "./data-path/throttle.ts";

export interface AgentContext {
  readonly config: AgentConfig;
  /** The namespace of Velero's resources. */
  readonly namespace: string;
  /** `<node>/<random id>`: this process, in claims. */
  readonly agentId: string;
  readonly client: TypedClient;
  readonly crds: CrdLookup;
  readonly events: EventRecorder;
  readonly metrics: AgentMetrics;
  /** Threads that read, write and seal, kept between volumes. */
  readonly threads: KeptThreads;
  /** Locks of repositories, handed from volume to volume. */
  readonly locks: KeptLocks;
  /** What one run tells the next on this node, so that it need not be read again. */
  readonly notes: KeptNotes;
  /** What all transfers together may use. */
  readonly throttle: Throttle;
  readonly clock: Clock;
  readonly log: Logger;
}
