// One step of one PodVolumeBackup or PodVolumeRestore: looks up the situation and does what the table says. Only this
// writes phases; the transfers themselves run in the data path manager.

import { prunedFieldPrefix } from "../../src/api/names.ts";
import { podVolumeStage } from "../../src/api/phases.ts";
import type { ReconcileResult } from "../../src/kube/controller.ts";
import { keepPrunedFields } from "../../src/kube/crd-lookup.ts";
import { type EventText, involvedObject } from "../../src/kube/events.ts";
import type { Informer } from "../../src/kube/informer.ts";
import { KubeError } from "../../src/kube/kube-errors.ts";
import { splitKey } from "../../src/kube/kube-object.ts";
import { retryWithBackoff } from "../../src/platform/backoff.ts";
import { parseTimestamp } from "../../src/platform/clock.ts";
import { asCodedError, errorFacts } from "../../src/platform/coded-error.ts";
import type { AgentContext } from "../agent-context.ts";
import { attemptsOf, claimPatch, isClaimedBy, maxAttempts } from "../claim.ts";
import { Cancellation } from "../data-path/cancellation.ts";
import {
  ClaimLost,
  type DataPathManager,
  type Outcome,
  type Transfer,
  type TransferControl,
} from "../data-path/data-path-manager.ts";
import { restartOf } from "./restart.ts";
import { type Situation, situationOf } from "./situation.ts";
import { VolumeLog } from "./volume-log.ts";
import { type EndState, podOf, type VolumeObject, type VolumeWork } from "./volume-work.ts";

export interface VolumeReconcilerOptions<T extends VolumeObject, R> {
  readonly context: AgentContext;
  readonly informer: Informer<T>;
  readonly manager: DataPathManager<R>;
  readonly work: VolumeWork<T, R>;
}

/** Without a free slot it is looked at again after this time at the latest. */
const slotRetryMs = 5000;
/** Whoever looks at a volume that is done sooner reads its end; two writes of six for each small volume. */
const tellStartAfterMs = 2000;
/** At the end of the process there is little time. */
const settleBackoff = { firstMs: 100, factor: 2, maxMs: 1000, jitter: 0.5 };

type Step<T> = (name: string, object: T, signal: AbortSignal) => Promise<ReconcileResult | undefined>;

export class VolumeReconciler<T extends VolumeObject, R> {
  readonly #context: AgentContext;
  readonly #informer: Informer<T>;
  readonly #manager: DataPathManager<R>;
  readonly #work: VolumeWork<T, R>;
  readonly #log: VolumeLog;
  /** Uids of what was begun by an earlier process of this node. */
  readonly #orphans = new Set<string>();
  /** What our last write to each that runs has made of it, by uid. */
  readonly #newest = new Map<string, T>();

  readonly #steps: Readonly<Record<Situation, Step<T>>> = {
    idle: async () => undefined,
    running: async () => undefined,
    due: (name, object) => this.#begin(name, object),
    refused: (_, object, signal) => this.#refuse(object, signal),
    orphaned: (name, object, signal) => this.#takeOver(name, object, signal),
    cancelled: async (name) => this.#cancel(name, "requested"),
    settled: (name, object, signal) => this.#settle(name, object, signal),
    abandoned: async (name) => this.#abandon(name),
  };

  constructor(options: VolumeReconcilerOptions<T, R>) {
    this.#context = options.context;
    this.#informer = options.informer;
    this.#manager = options.manager;
    this.#work = options.work;
    this.#log = new VolumeLog(options.context.log, options.context.config.nodeName, options.work.direction);
  }

  /** Call once, after the first list: whatever is under way on this node now was begun by a process that is gone. */
  findOrphans(): T[] {
    const found = this.#informer
      .list()
      .filter((object) => podVolumeStage(object) === "claimed" && this.#work.wasBegunHere(object));
    for (const object of found) this.#orphans.add(object.metadata.uid ?? "");
    return found;
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const { namespace, name: objectName } = splitKey(name);
    const object = this.#informer.get(namespace, objectName);
    const situation = situationOf({
      object,
      transfer: this.#manager.find(name),
      isDue: object !== undefined && this.#work.isDue(object),
      isRefused: object !== undefined && this.#work.refusal(object) !== undefined,
      isOrphan: this.#orphans.has(object?.metadata.uid ?? ""),
    });
    if (object === undefined && situation !== "abandoned") return undefined;
    return await this.#steps[situation](name, object as T, signal);
  }

  /** At the end of the process: writes what the stopped transfers have come to. */
  async settleAll(signal: AbortSignal): Promise<void> {
    for (const name of this.#manager.names()) {
      const { namespace, name: objectName } = splitKey(name);
      const object = this.#informer.get(namespace, objectName);
      if (object === undefined) continue;
      try {
        await retryWithBackoff(() => this.#settle(name, object, signal), {
          ...{ backoff: settleBackoff, clock: this.#context.clock, signal, maxAttempts: 4 },
          shouldRetry: (error) => asCodedError(error)?.retry !== "never",
        });
      } catch (error) {
        // The next agent of this node finds it InProgress and starts it over.
        this.#context.log.error("a volume's end could not be written down", { name, ...errorFacts(error) });
      }
    }
  }

  async #begin(name: string, object: T): Promise<ReconcileResult | undefined> {
    const hasStarted = await this.#manager.start(name, () => this.#claim(object));
    return hasStarted ? undefined : { requeueAfterMs: slotRetryMs };
  }

  async #claim(object: T): Promise<Transfer<R>> {
    const { client, agentId, clock, metrics, config } = this.#context;
    const patch = claimPatch(object, agentId, clock.now());
    const claimed = await client.mergePatch(this.#work.resource, object.metadata, patch);
    this.#orphans.delete(object.metadata.uid ?? "");
    this.#log.begun(claimed);
    if (this.#work.direction === "backup") metrics.backupsDequeued.add(1, { node: config.nodeName });
    const uid = claimed.metadata.uid ?? "";
    this.#newest.set(uid, claimed);
    return {
      uid,
      run: (control) => this.#runAndTell(claimed, control),
      saveProgress: async (progress) => {
        const current = await client.mergePatch(this.#work.resource, object.metadata, { status: { progress } });
        this.#newest.set(uid, current);
        if (!isClaimedBy(current, agentId)) throw new ClaimLost();
      },
    };
  }

  async #runAndTell(claimed: T, control: TransferControl): Promise<R> {
    const { direction } = this.#work;
    const text = { type: "Normal", reason: "Started", message: `${direction} of the volume has begun` } as const;
    const keepQuiet = this.#context.clock.after(tellStartAfterMs, () => this.#tell(claimed, text));
    try {
      return await this.#work.transfer(claimed, control);
    } finally {
      keepQuiet();
    }
  }

  async #takeOver(name: string, object: T, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const attempts = attemptsOf(object);
    const problem =
      attempts >= maxAttempts
        ? this.#work.failed(object, new Error(`the agent ended ${attempts} times while it worked on this volume`))
        : this.#work.takeOverProblem(object);
    if (problem === undefined) return await this.#begin(name, object);
    if (problem === "later") return undefined;
    await this.#end(object, problem, signal);
    this.#orphans.delete(object.metadata.uid ?? "");
    return undefined;
  }

  async #refuse(object: T, signal: AbortSignal): Promise<undefined> {
    const end = this.#work.refusal(object);
    if (end !== undefined) await this.#end(object, end, signal);
  }

  #cancel(name: string, kind: "requested" | "deleted"): undefined {
    this.#manager.cancel(name, new Cancellation(kind, `the resource was ${kind === "deleted" ? kind : "cancelled"}`));
  }

  /** First stops the transfer; when that has ended, forgets it, and the name is free for a new object. */
  #abandon(name: string): ReconcileResult | undefined {
    if (this.#manager.find(name)?.outcome === undefined) {
      this.#cancel(name, "deleted");
      return undefined;
    }
    this.#newest.delete(this.#manager.find(name)?.uid ?? "");
    this.#manager.forget(name);
    return { requeueAfterMs: 0 };
  }

  async #settle(name: string, object: T, signal: AbortSignal): Promise<undefined> {
    const outcome = this.#manager.find(name)?.outcome;
    if (outcome === undefined) return;
    if (!(await this.#isWrittenUnseen(object, outcome, signal))) {
      const current = await this.#context.client.find(this.#work.resource, object.metadata, { signal });
      const isSame = current !== undefined && current.metadata.uid === object.metadata.uid;
      if (isSame) await this.#write(current, outcome, signal);
    }
    this.#manager.forget(name);
  }

  /**
   * Writes the end into what our own last write has made of the object: one request where two were. Not where something
   * has to be done before the end is written.
   * @returns false when somebody has changed the object since, or it is gone: then the server has to be asked.
   */
  async #isWrittenUnseen(object: T, outcome: Outcome<R>, signal: AbortSignal): Promise<boolean> {
    const uid = object.metadata.uid ?? "";
    const newest = this.#newest.get(uid);
    this.#newest.delete(uid);
    if (newest === undefined || this.#work.beforeEnd !== undefined) return false;
    try {
      await this.#write(newest, outcome, signal);
      return true;
    } catch (error) {
      if (KubeError.is(error, "conflict") || KubeError.is(error, "not-found")) return false;
      throw error;
    }
  }

  /** Only what is still ours. */
  async #write(current: T, outcome: Outcome<R>, signal: AbortSignal): Promise<void> {
    if (podVolumeStage(current) !== "claimed" || !isClaimedBy(current, this.#context.agentId)) return;
    const restart = outcome.isSuccess ? undefined : restartOf(current, outcome.error);
    if (restart !== undefined) {
      const { patch, why } = restart;
      await this.#context.client.mergePatch(this.#work.resource, current.metadata, patch, { signal });
      this.#log.givenBack(current, why);
      return;
    }
    const end = outcome.isSuccess
      ? this.#work.completed(current, outcome.result)
      : this.#work.failed(current, outcome.error);
    await this.#end(current, end, signal);
    if (outcome.isSuccess) this.#countFigures(current, outcome.result);
  }

  /** Fails with "conflict" when the object has changed meanwhile; the controller then looks at it again. */
  async #end(object: T, end: EndState, signal: AbortSignal): Promise<void> {
    await this.#work.beforeEnd?.(object, end);
    const { client, crds, metrics } = this.#context;
    const crd = await crds.find(this.#work.resource, signal);
    const kept = keepPrunedFields(crd, "status", end.status, prunedFieldPrefix);
    const noted = { ...kept.annotations, ...end.annotations };
    const patch = {
      metadata: { resourceVersion: object.metadata.resourceVersion, annotations: noted },
      status: { message: null, ...kept.fields },
    };
    const ended = await client.mergePatch(this.#work.resource, object.metadata, patch, { signal });
    const { phase, message = `${this.#work.direction} of the volume is complete` } = end.status;
    this.#tell(ended, { type: phase === "Failed" ? "Warning" : "Normal", reason: phase, message });
    const result = phase === "Completed" ? "completed" : "failed";
    metrics.transfers.add(1, { direction: this.#work.direction, result, reason: end.reason });
    this.#log.ended(object, end);
  }

  #countFigures(object: T, result: R): void {
    const { metrics, clock } = this.#context;
    const direction = this.#work.direction;
    const figures = this.#work.measure(object, result);
    metrics.transferredBytes.add(figures.bytes, { direction });
    metrics.transferredFiles.add(figures.files, { direction });
    metrics.warnings.add(figures.warnings, { direction });
    if (direction === "backup") metrics.addedBytes.add(figures.addedBytes);
    this.#work.count?.(result);
    const startMs = parseTimestamp(object.status?.startTimestamp);
    if (startMs !== undefined)
      metrics.transferSeconds.observe(Math.max(0, clock.now() - startMs) / 1000, { direction });
  }

  /** An event on the resource and one on the pod. */
  #tell(object: T, text: EventText): void {
    const { events } = this.#context;
    const prefix = this.#work.direction === "backup" ? "VolumeBackup" : "VolumeRestore";
    const reason = `${prefix}${text.reason}`;
    events.record(involvedObject(this.#work.resource, object), { ...text, reason });
    const pod = podOf(object);
    const message = `volume ${object.spec.volume}: ${text.message}`;
    if (pod !== undefined) events.record(pod, { ...text, reason, message });
  }
}
