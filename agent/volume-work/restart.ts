// Which failures are not the end of a volume: it goes back to New and is started over.
import type { MergePatch } from "../../src/kube/typed-client.ts";
import { messageOf } from "../../src/platform/coded-error.ts";
import { attemptsOf, maxAttempts, releasePatch } from "../claim.ts";
import { Cancellation } from "../data-path/cancellation.ts";
import type { VolumeObject } from "./volume-work.ts";

/** Failures of the circumstances, not of the volume: somebody removed our lock, a thread died. */
const passingFailures: ReadonlySet<unknown> = new Set(["lock-lost", "worker-failed"]);

interface Restart {
  readonly patch: MergePatch;
  readonly why: string;
}

/** Undefined when the failure is the end. */
export function restartOf(object: VolumeObject, error: unknown): Restart | undefined {
  if (error instanceof Cancellation) {
    if (error.kind !== "shutdown") return undefined;
    const why = "interrupted because the agent was stopped; it will be started over";
    return { patch: releasePatch(object, why, false), why };
  }
  const isPassing = passingFailures.has((error as { code?: unknown }).code) && attemptsOf(object) < maxAttempts;
  if (!isPassing) return undefined;
  const why = `${messageOf(error)}; it will be started over`;
  return { patch: releasePatch(object, why, true), why };
}
