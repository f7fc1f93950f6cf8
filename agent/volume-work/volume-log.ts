// The log lines of a volume's way: one for each change of its resource that this agent makes, with the same facts each time.
import { labels } from "../../src/api/names.ts";
import type { TransferProgress } from "../../src/api/pod-volume-backup.ts";
import { keyOfObject } from "../../src/kube/kube-object.ts";
import { parseTimestamp } from "../../src/platform/clock.ts";
import type { Logger } from "../../src/platform/logger.ts";
import { attemptsOf } from "../claim.ts";
import type { EndState, VolumeObject, VolumeWork } from "./volume-work.ts";

type Facts = Readonly<Record<string, unknown>>;
type Direction = VolumeWork<VolumeObject, unknown>["direction"];

export class VolumeLog {
  readonly #log: Logger;
  readonly #node: string;
  readonly #direction: Direction;

  constructor(log: Logger, node: string, direction: Direction) {
    this.#log = log;
    this.#node = node;
    this.#direction = direction;
  }

  /** @param claimed the resource as it is now. */
  begun(claimed: VolumeObject): void {
    this.#log.info("volume begun", { ...this.#facts(claimed), attempt: attemptsOf(claimed) });
  }

  /** @param object as it was before its end. */
  ended(object: VolumeObject, { status, reason }: EndState): void {
    const progress = (status.progress ?? object.status?.progress) as TransferProgress | undefined;
    const facts = {
      ...this.#facts(object),
      bytes: progress?.bytesDone,
      newBytes: status.incrementalBytes,
      seconds: secondsBetween(object.status?.startTimestamp, status.completionTimestamp),
      message: status.message,
    };
    if (status.phase === "Completed") this.#log.info("volume completed", facts);
    else this.#log.error("volume failed", { ...facts, reason });
  }

  /** It will be started over, by this agent or the next one of this node. */
  givenBack(object: VolumeObject, why: string): void {
    this.#log.warn("volume given back", { ...this.#facts(object), attempt: attemptsOf(object), message: why });
  }

  #facts({ metadata, spec }: VolumeObject): Facts {
    const label = this.#direction === "backup" ? labels.backupName : labels.restoreName;
    return {
      direction: this.#direction,
      resource: keyOfObject({ metadata }),
      [this.#direction]: metadata.labels?.[label],
      namespace: spec.pod.namespace,
      pod: spec.pod.name,
      volume: spec.volume,
      node: this.#node,
    };
  }
}

/** Undefined for what was never begun. */
function secondsBetween(start: string | null | undefined, end: string): number | undefined {
  const [startMs, endMs] = [parseTimestamp(start), parseTimestamp(end)];
  return startMs === undefined || endMs === undefined ? undefined : Math.max(0, endMs - startMs) / 1000;
}
