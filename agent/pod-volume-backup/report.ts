// What a backup of a volume cost: as the annotation that ends with the resource, and as the agent's running totals.

import type { ArchiveReport } from "../../repo-format/index.ts";
import type { AgentMetrics } from "../agent-metrics.ts";

/** The engine's report and what came before it. */
export interface VolumeReport extends ArchiveReport {
  /** Until the repository was open; next to nothing where it was open already. */
  readonly openingSeconds: number;
  /** Until its lock was held. */
  readonly lockingSeconds: number;
}

/** Some 700 characters of JSON: an annotation is read by every list of the resources. */
export function reportText(report: VolumeReport): string {
  const { bytesRead, bytesNew, bytesStored, entries, excludedCount, traffic, threadSeconds, waitSeconds } = report;
  return JSON.stringify({
    bytesRead,
    bytesNew,
    bytesStored,
    entries: withoutZeros(entries),
    ...(excludedCount === 0 ? {} : { excluded: excludedCount }),
    ...(traffic === undefined
      ? {}
      : {
          requests: withoutZeros(traffic.requests),
          retries: traffic.retries,
          bytesSent: traffic.bytesSent,
          bytesReceived: traffic.bytesReceived,
        }),
    seconds: withoutZeros(stagesOf(report)),
    threadSeconds: withoutZeros(threadSeconds),
    waitSeconds: withoutZeros(waitSeconds),
  });
}

/** Requests are counted where they are made: several volumes may share a repository at a time. */
export function countReport(metrics: AgentMetrics, report: VolumeReport): void {
  const { entries, threadSeconds, waitSeconds } = report;
  metrics.readBytes.add(report.bytesRead);
  metrics.storedBytes.add(report.bytesStored);
  for (const [kind, count] of Object.entries(entries)) metrics.entries.add(count, { kind: snakeCase(kind) });
  for (const [stage, seconds] of Object.entries(stagesOf(report)))
    metrics.stageSeconds.add(seconds, { stage: snakeCase(stage) });
  for (const [work, seconds] of Object.entries(threadSeconds)) metrics.threadSeconds.add(seconds, { work });
  for (const [reason, seconds] of Object.entries(waitSeconds)) metrics.waitSeconds.add(seconds, { reason });
}

function stagesOf({ openingSeconds, lockingSeconds, stageSeconds }: VolumeReport): Record<string, number> {
  return { opening: openingSeconds, locking: lockingSeconds, ...stageSeconds };
}

/** Whole milliseconds at most, and only what is there. */
function withoutZeros(figures: object): Record<string, number> {
  const rounded = Object.entries(figures as Record<string, number>).map(
    ([name, figure]) => [name, Math.round(figure * 1000) / 1000] as const,
  );
  return Object.fromEntries(rounded.filter(([, figure]) => figure !== 0));
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
