// A piece of work between those who want it done and the thread that does it.
import type { ByteBudget } from "./byte-budget.ts";
import type { RangeCut, SealedColumns, TaskResult, TaskTimes, WorkerRequest } from "./messages.ts";

/** A numbered request and who waits for it. */
export interface PoolTask {
  readonly request: Extract<WorkerRequest, { task: number }>;
  readonly transfer: readonly ArrayBuffer[];
  /** `giveBack` takes the slab's memory, which nobody may use after that. */
  readonly onBlobs?: (blobs: SealedColumns, giveBack: () => void) => void;
  readonly onCut?: (cut: RangeCut) => void;
  /** Called before the result is there. */
  readonly onTimes?: (times: TaskTimes) => void;
  readonly resolve: (result: TaskResult) => void;
  readonly reject: (error: unknown) => void;
}

type WithoutNumber<R> = R extends { task: number } ? Omit<R, "task"> : never;

/** What the sender knows of a request; the pool numbers it. */
export type TaskRequest = WithoutNumber<WorkerRequest>;

export interface SubmitOptions extends Pick<PoolTask, "onBlobs" | "onCut" | "onTimes"> {
  readonly transfer?: readonly ArrayBuffer[];
  /** Goes before what waits already: it continues a file that was begun. */
  readonly isUrgent?: boolean;
}

/** The pool, as a run sees it. */
export interface TaskSubmitter {
  readonly budget: ByteBudget;
  /** Threads at most. */
  readonly threads: number;
  submit(request: TaskRequest, options?: SubmitOptions): Promise<TaskResult>;
  dropQueued(run: number, reason: Error): void;
}
