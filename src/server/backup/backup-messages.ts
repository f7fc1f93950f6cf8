// What choosing a Backup's volumes came to, kept as an annotation of the Backup: the server has no other memory, and
// users read it with `kubectl get backup -o yaml`.
import type { Backup } from "../../api/backup.ts";

/** On a Backup whose volumes are chosen; its value is a PlanRecord as JSON. */
export const planAnnotation = "stowage.dev/plan";

export interface PlanRecord {
  /** Number of PodVolumeBackups made. */
  readonly volumes: number;
  readonly warningCount: number;
  readonly errorCount: number;
  /** The first of each; the rest is only counted. */
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

/** Annotations of an object share 256 KiB; 50 sentences of each kind stay far below. */
const keptMessages = 50;
const keptCharacters = 600;

/** The record for a finished plan. */
export function planRecord(volumes: number, warnings: readonly string[], errors: readonly string[]): PlanRecord {
  return {
    volumes,
    warningCount: warnings.length,
    errorCount: errors.length,
    warnings: warnings.slice(0, keptMessages).map(shorten),
    errors: errors.slice(0, keptMessages).map(shorten),
  };
}

/** The record on a Backup; undefined while its volumes are not chosen, or when somebody damaged the annotation. */
export function readPlanRecord(backup: Backup): PlanRecord | undefined {
  const text = backup.metadata.annotations?.[planAnnotation];
  if (text === undefined) return undefined;
  try {
    const {
      volumes = 0,
      warningCount = 0,
      errorCount = 0,
      warnings = [],
      errors = [],
    } = JSON.parse(text) as Partial<PlanRecord>;
    return { volumes, warningCount, errorCount, warnings, errors };
  } catch {
    // Choosing again does no harm: what was made is found again.
    return undefined;
  }
}

function shorten(message: string): string {
  return message.length <= keptCharacters ? message : `${message.slice(0, keptCharacters - 1)}…`;
}
