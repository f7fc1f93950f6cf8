// Schedule: makes Backups from a template when its cron line is due.

import type { BackupSpec } from "./backup.ts";
import type { Condition } from "./conditions.ts";
import type { KubeObject } from "./kube-object.ts";

export interface Schedule extends KubeObject {
  readonly spec: ScheduleSpec;
  readonly status?: ScheduleStatus;
}

export interface ScheduleSpec {
  /** Five cron fields, or @every and the other short forms. */
  readonly schedule: string;
  readonly template: BackupSpec;
  readonly useOwnerReferencesInBackup?: boolean | null;
  readonly paused?: boolean;
  readonly skipImmediately?: boolean | null;
}

export interface ScheduleStatus {
  readonly phase?: "New" | "Enabled" | "FailedValidation" | "";
  readonly lastBackup?: string | null;
  readonly lastSkipped?: string | null;
  readonly validationErrors?: readonly string[];
  /** Ours. */
  readonly conditions?: readonly Condition[];
}
