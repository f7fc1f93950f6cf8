// The Schedules' part of the server: woken by their own changes and when one of their Backups has ended.
import { labels } from "../../api/names.ts";
import { isBackupEnded } from "../../api/phases.ts";
import { validName } from "../../api/valid-name.ts";
import type { Controller } from "../../kube/controller.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { scheduleReconciler } from "./reconciler.ts";
import { ScheduleMetrics } from "./schedule-metrics.ts";

export function schedulePart(context: ServerContext, informers: Informers): readonly Controller[] {
  const { scheduleStartJitterMs, scheduleSkipImmediately, timeZone } = context.config;
  const reconcile = scheduleReconciler({
    ...context,
    metrics: new ScheduleMetrics(context.metrics),
    localZone: timeZone,
    startJitterMs: scheduleStartJitterMs,
    skipImmediately: scheduleSkipImmediately,
  });
  const schedules = context.control("schedule", 4, reconcile);
  informers.schedules.onChange(({ object }) => schedules.enqueue(keyOfObject(object)));
  informers.backups.onChange(({ type, object }) => {
    const made = object.metadata.labels?.[labels.scheduleName];
    if (made === undefined || (type !== "deleted" && !isBackupEnded(object))) return;
    for (const schedule of informers.schedules.list()) {
      if (validName(schedule.metadata.name) === made) schedules.enqueue(keyOfObject(schedule));
    }
  });
  return [schedules];
}
