// What the Schedules' part works with.
import type { CrdLookup } from "../../kube/crd-lookup.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ScheduleMetrics } from "./schedule-metrics.ts";

export interface ScheduleContext {
  readonly client: Pick<TypedClient, "find" | "list" | "create" | "mergePatch">;
  readonly crds: Pick<CrdLookup, "find">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ScheduleMetrics;
  /** IANA name; for cron lines that name no time zone. */
  readonly localZone: string;
  /** --schedule-start-jitter */
  readonly startJitterMs: number;
  /** --schedule-skip-immediately: for Schedules that do not say. */
  readonly skipImmediately: boolean;
}
