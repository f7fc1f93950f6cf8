// The PodVolumeRestores of one Restore: made as its pods come into being, and waited for until each has ended, because an
// agent was done with it, because nobody will ever be, or because the time is over.
import type { Pod } from "../../../api/core.ts";
import { annotations, labels } from "../../../api/names.ts";
import { podVolumePhase, podVolumeStage } from "../../../api/phases.ts";
import type { PodVolumeRestore } from "../../../api/pod-volume-restore.ts";
import { podVolumeRestores } from "../../../api/resources.ts";
import { keyOfObject } from "../../../kube/kube-object.ts";
import { reconnectBackoff, retryWithBackoff } from "../../../platform/backoff.ts";
import { asCodedError, errorFacts, messageOf } from "../../../platform/coded-error.ts";
import { formatDuration } from "../../../platform/duration.ts";
import { stopVolumes } from "../../volume-work/stop-volumes.ts";
import { restoreTimeout } from "../restore-timeout.ts";
import { createVolumeRestores } from "./create-volume-restores.ts";
import { PodWatch, type WatchedPod } from "./pod-watch.ts";
import type { EndedVolumeRestore } from "./restore-volume-info.ts";
import type { RestoredPod, VolumeRestoresOptions } from "./restored-pod.ts";

/** One PodVolumeRestore that has not ended. */
interface Pending {
  readonly pod: Pod;
  readonly volume: string;
  readonly sinceMs: number;
  /** It was in the local copy once. */
  wasSeen: boolean;
  /** When it was first asked to stop, and why. */
  stop?: { readonly sinceMs: number; readonly reason: string };
}

/** Some minutes: without them the pod would wait for ever. */
const createAttempts = 10;
/** A look at the local copy costs nothing. */
const pollMs = 250;
const pauseAfterFailureMs = 5000;
/** The local copy may be so far behind before the API server is asked. */
const lagMs = 10_000;
/** So long an agent may take to stop before the server ends its PodVolumeRestore itself. */
const agentPatienceMs = 30_000;

export class VolumeRestores {
  readonly #options: VolumeRestoresOptions;
  readonly #pods: PodWatch;
  /** By source namespace: all need the same repository, and one after the other is made. */
  readonly #making = new Map<string, Promise<void>>();
  /** By name. */
  readonly #pending = new Map<string, Pending>();
  readonly #ended: EndedVolumeRestore[] = [];
  /** By uid: pods that go on waiting in restore-wait, or are gone. */
  readonly #failedPods = new Map<string, Pod>();

  constructor(options: VolumeRestoresOptions) {
    this.#options = options;
    this.#pods = new PodWatch(options.context, options.restore);
  }

  /** Makes them in the background; what cannot be made becomes an error in the log. */
  begin(restored: RestoredPod): void {
    if (restored.snapshots.length === 0) return;
    const before = this.#making.get(restored.sourceNamespace) ?? Promise.resolve();
    const made = before.then(() => this.#make(restored));
    // Whoever finishes hears of it; until then it must not count as unhandled.
    made.catch(() => undefined);
    this.#making.set(restored.sourceNamespace, made);
  }

  /** All of them, ended. Failures are errors in the log. Rejects only with what the signal says. */
  async finish(): Promise<readonly EndedVolumeRestore[]> {
    const { context, signal, log } = this.#options;
    await Promise.all(this.#making.values());
    while (this.#pending.size > 0) {
      signal.throwIfAborted();
      let pauseMs = pollMs;
      try {
        await this.#look();
      } catch (error) {
        signal.throwIfAborted();
        log.log.info("the state of volumes could not be read, will try again", errorFacts(error));
        pauseMs = pauseAfterFailureMs;
      }
      this.#giveUpInTheEnd();
      if (this.#pending.size > 0) await context.clock.sleep(pauseMs, signal);
    }
    return this.#ended;
  }

  /** Those of which at least one volume is not restored: their applications will not start. */
  get failedPods(): readonly Pod[] {
    return [...this.#failedPods.values()];
  }

  async #make(restored: RestoredPod): Promise<void> {
    const { namespace = "", name } = restored.pod.metadata;
    const { signal, log } = this.#options;
    try {
      const onMade = (one: PodVolumeRestore): void => this.#add(restored.pod, one);
      await retryWithBackoff(() => createVolumeRestores(restored, this.#options, onMade), {
        ...{ backoff: reconnectBackoff, clock: this.#options.context.clock, maxAttempts: createAttempts, signal },
        shouldRetry: (error) => asCodedError(error)?.retry === "backoff",
      });
    } catch (error) {
      signal.throwIfAborted();
      this.#failedPods.set(restored.pod.metadata.uid ?? "", restored.pod);
      const volumes = restored.snapshots.map(({ volume }) => volume).join(", ");
      log.error(
        { namespace },
        `the volumes ${volumes} of pod ${namespace}/${name} cannot be restored: ${messageOf(error)}; the pod waits for them in its container restore-wait`,
      );
    }
  }

  #add(pod: Pod, made: PodVolumeRestore): void {
    const sinceMs = this.#options.context.clock.monotonicMs();
    this.#pending.set(made.metadata.name, { pod, volume: made.spec.volume, sinceMs, wasSeen: false });
  }

  async #look(): Promise<void> {
    const current = await this.#current();
    if (this.#pending.size === 0) return;
    const timeOver = this.#timeOver();
    if (timeOver === undefined) {
      const reasons = await this.#pods.hopeless(this.#waitingPods(current), this.#options.signal);
      for (const pending of this.#pending.values()) {
        const reason = reasons.get(pending.pod.metadata.uid ?? "");
        if (reason !== undefined) this.#markStopped(pending, reason);
      }
    } else {
      for (const pending of this.#pending.values()) this.#markStopped(pending, timeOver);
    }
    await this.#stop(current);
  }

  #waitingPods(current: ReadonlyMap<string, PodVolumeRestore>): readonly WatchedPod[] {
    const found = new Map<string, WatchedPod>();
    for (const [name, { pod }] of this.#pending) {
      const object = current.get(name);
      const uid = pod.metadata.uid ?? "";
      const isClaimed = object !== undefined && podVolumeStage(object) === "claimed";
      found.set(uid, { pod, isClaimed: isClaimed || found.get(uid)?.isClaimed === true });
    }
    return [...found.values()];
  }

  /** The state of those that have not ended; ends are taken out and told. */
  async #current(): Promise<ReadonlyMap<string, PodVolumeRestore>> {
    const { context, restore } = this.#options;
    const uid = restore.metadata.uid;
    const known = new Map<string, PodVolumeRestore>();
    for (const one of context.volumeRestores.list())
      if (one.metadata.labels?.[labels.restoreUid] === uid) known.set(one.metadata.name, one);
    for (const [name, pending] of this.#pending) {
      const object = known.get(name) ?? (await this.#askServer(name, pending));
      if (object === "too-early") continue;
      if (object === undefined)
        this.#tellFailure(name, pending, `its PodVolumeRestore ${name} was deleted before it ended`);
      else {
        pending.wasSeen = true;
        known.set(name, object);
        if (podVolumeStage(object) === "ended") this.#tellEnd(name, pending, object);
      }
    }
    return known;
  }

  /** For what the local copy lacks. */
  async #askServer(name: string, pending: Pending): Promise<PodVolumeRestore | "too-early" | undefined> {
    const { client, namespace, clock } = this.#options.context;
    if (!pending.wasSeen && clock.monotonicMs() - pending.sinceMs < lagMs) return "too-early";
    return await client.find(podVolumeRestores, { namespace, name }, { signal: this.#options.signal });
  }

  #tellEnd(name: string, pending: Pending, object: PodVolumeRestore): void {
    this.#ended.push({ pod: pending.pod, volumeRestore: object });
    const { message = "", progress } = object.status ?? {};
    const why = reasonOf(message, pending.stop?.reason);
    if (podVolumePhase(object) !== "Completed") {
      this.#tellFailure(name, pending, why);
      return;
    }
    this.#pending.delete(name);
    const { volume } = pending;
    const pod = keyOfObject(pending.pod);
    const { log } = this.#options;
    log.log.info("a volume is restored", { volume, pod, bytes: progress?.totalBytes ?? 0 });
    // The agent lists files that it could not restore as they were in an annotation.
    if (object.metadata.annotations?.[annotations.warnings] === undefined) return;
    const namespace = pending.pod.metadata.namespace ?? "";
    log.warning({ namespace }, `volume ${volume} of pod ${pod} is restored, but not all of it as it was: ${why}`);
  }

  #tellFailure(name: string, { pod, volume }: Pending, why: string): void {
    this.#pending.delete(name);
    this.#failedPods.set(pod.metadata.uid ?? "", pod);
    const { namespace = "" } = pod.metadata;
    this.#options.log.error({ namespace }, `volume ${volume} of pod ${keyOfObject(pod)} is not restored: ${why}`);
  }

  #markStopped(pending: Pending, reason: string): void {
    pending.stop ??= { sinceMs: this.#options.context.clock.monotonicMs(), reason };
  }

  async #stop(current: ReadonlyMap<string, PodVolumeRestore>): Promise<void> {
    const { client, namespace, clock } = this.#options.context;
    for (const [name, { stop }] of this.#pending) {
      const object = current.get(name);
      if (stop === undefined || object === undefined) continue;
      const isPatienceOver = clock.monotonicMs() - stop.sinceMs > agentPatienceMs;
      const options = { client, namespace, clock, reason: stop.reason, isPatienceOver };
      await stopVolumes(podVolumeRestores, [object], options);
    }
  }

  #timeOver(): string | undefined {
    const { restore, context } = this.#options;
    const { timeoutMs, remainingMs } = restoreTimeout(restore, context);
    if (remainingMs > 0) return undefined;
    return `not finished within ${formatDuration(timeoutMs)}, the time for all volumes of its Restore; raise --fs-backup-timeout or the Restore's annotation ${annotations.podVolumeTimeout}`;
  }

  /** Long after the time is over, when not even the ends can be read or written. */
  #giveUpInTheEnd(): void {
    const { restore, context } = this.#options;
    const overdueMs = -restoreTimeout(restore, context).remainingMs;
    if (overdueMs < agentPatienceMs + context.settings.resourceTimeoutMs) return;
    for (const [name, pending] of this.#pending) this.#tellFailure(name, pending, this.#timeOver() ?? "");
  }
}

/** An agent that was stopped says that it was, and not why. */
function reasonOf(message: string, stopReason: string | undefined): string {
  const said = message === "" ? "no reason is given" : message;
  return stopReason === undefined || said.includes(stopReason) ? said : `${stopReason} (${said})`;
}
