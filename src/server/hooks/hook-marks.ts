// What a restored pod's annotation says of its hooks, each by its place among them: begun, ended, or why it failed. Written
// before a command begins and after it has ended, so that a server that goes on with the Restore of one that was killed runs
// none twice and tells again which have failed.
import type { Pod } from "../../api/core.ts";
import { annotations } from "../../api/names.ts";
import { pods } from "../../api/resources.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { messageOf } from "../../platform/coded-error.ts";
import type { RunLog } from "../run-log/run-log.ts";

export type HookMark = "begun" | "ended" | { readonly problem: string };

export interface HookMarksOptions {
  readonly client: Pick<TypedClient, "mergePatch">;
  readonly log: Pick<RunLog, "log">;
  readonly restoreUid: string;
  readonly signal: AbortSignal;
}

interface Marks {
  /** Uid of the Restore; those of an earlier one, which came along in the Backup, mean nothing. */
  readonly restore: string;
  readonly hooks: Readonly<Record<string, HookMark>>;
}

/** Much more than a command's last line; annotations have 256 KiB in all. */
const maxProblem = 1000;

export class HookMarks {
  readonly #pod: Pod;
  readonly #options: HookMarksOptions;
  readonly #marks: Map<string, HookMark>;
  #written: Promise<void> = Promise.resolve();

  constructor(pod: Pod, options: HookMarksOptions) {
    this.#pod = pod;
    this.#options = options;
    const { restore, hooks } = readMarks(pod);
    this.#marks = new Map(restore === options.restoreUid ? Object.entries(hooks) : []);
  }

  of(place: number): HookMark | undefined {
    return this.#marks.get(String(place));
  }

  /** Resolves when it is written. A pod that cannot be written is no failure: it is gone, or its hooks might run twice. */
  async set(place: number, mark: HookMark): Promise<void> {
    this.#marks.set(String(place), typeof mark === "string" ? mark : { problem: mark.problem.slice(0, maxProblem) });
    // Containers' hooks run side by side: each write has all that is known by then, and none overtakes another.
    this.#written = this.#written.then(() => this.#write());
    await this.#written;
  }

  async #write(): Promise<void> {
    const { client, log, restoreUid, signal } = this.#options;
    const { namespace, name, uid } = this.#pod.metadata;
    const marks: Marks = { restore: restoreUid, hooks: Object.fromEntries(this.#marks) };
    const patch = { metadata: { uid, annotations: { [annotations.endedHooks]: JSON.stringify(marks) } } };
    try {
      await client.mergePatch(pods, { namespace, name }, patch, { signal });
    } catch (error) {
      if (signal.aborted) return;
      log.log.debug("a pod could not be marked", { pod: `${namespace}/${name}`, error: messageOf(error) });
    }
  }
}

/** Anybody may have written there. */
function readMarks({ metadata }: Pod): Marks {
  const none = { restore: "", hooks: {} };
  try {
    const { restore, hooks } = JSON.parse(metadata.annotations?.[annotations.endedHooks] ?? "{}") as Partial<Marks>;
    if (typeof restore !== "string" || typeof hooks !== "object" || hooks === null) return none;
    return { restore, hooks: Object.fromEntries(Object.entries(hooks).filter(([, mark]) => isMark(mark))) };
  } catch {
    return none;
  }
}

function isMark(mark: unknown): boolean {
  return mark === "begun" || mark === "ended" || typeof (mark as { problem?: unknown } | null)?.problem === "string";
}
