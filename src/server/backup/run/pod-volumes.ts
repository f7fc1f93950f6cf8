// Chooses the volumes of one pod after the other and makes their PodVolumeBackups. What an earlier try at the same Backup has
// made is found again, so it may be repeated from the start.
import type { BackupStorageLocation } from "../../../api/backup-storage-location.ts";
import type { PersistentVolumeClaim, Pod } from "../../../api/core.ts";
import { annotations, labels } from "../../../api/names.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../../api/resources.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import type { EnsuredRepository } from "../../backup-repository/ensure-repository.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { BackupContext } from "../backup-context.ts";
import { makePodVolumeBackup } from "../make-pod-volume-backup.ts";
import { readVolumeState, type VolumeState } from "../read-volume-state.ts";
import type { SelectionMode } from "../volumes/choose-volumes.ts";
import { type EarlierVolume, type PlannedVolume, planVolumes, type VolumePlan } from "../volumes/plan-volumes.ts";
import type { VolumePolicy } from "../volumes/volume-policy.ts";
import type { BackupRecord } from "./backup-record.ts";
import type { Bell } from "./bell.ts";
import { skippedVolumeInfo, takenVolumeInfo, type VolumeInfo, volumeInfos } from "./volume-info.ts";
import type { VolumeResults } from "./volume-results.ts";

/** Repositories ring when they change; this is for events that were missed. */
const repositoryPollMs = 2000;

export interface PodVolumesOptions {
  readonly context: BackupContext;
  readonly record: BackupRecord;
  readonly location: BackupStorageLocation;
  /** The namespaces that the Backup covers. */
  readonly namespaces: readonly string[];
  readonly policy: VolumePolicy | undefined;
  /** The Backup's filters leave claims out. */
  readonly withoutClaims: boolean;
  readonly results: VolumeResults;
  readonly log: RunLog;
  /** The bell of a namespace's repository. */
  readonly bellOf: (namespace: string) => Bell;
  readonly startedAtMs: number;
  readonly signal: AbortSignal;
}

export class PodVolumes {
  readonly #options: PodVolumesOptions;
  readonly #earlier: EarlierVolume[];
  readonly #skipped: VolumeInfo[] = [];
  readonly #claims: PersistentVolumeClaim[] = [];
  /** By namespace: its pods take turns, so that one repository that is not ready holds up no other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #state: Promise<VolumeState> | undefined;

  /** @param options.results holds what earlier tries have made. */
  constructor(options: PodVolumesOptions) {
    this.#options = options;
    this.#earlier = options.results.all.map(earlierVolume);
  }

  /**
   * Makes the PodVolumeBackups of one pod, and gives their names. What stands in the way is told in the log.
   * @throws KubeError when the API server cannot be reached or refuses
   */
  async take(pod: Pod): Promise<readonly string[]> {
    const { log } = this.#options;
    const state = await this.#readState();
    const plan = this.#plan(state, pod);
    // Before anything else can run: another pod may ask for the same claim.
    this.#earlier.push(...plan.volumes.map(plannedBefore));
    const namespace = pod.metadata.namespace ?? "";
    for (const message of plan.warnings) log.warning({ namespace }, message);
    for (const message of plan.errors) log.error({ namespace }, message);
    if (plan.volumes.length === 0) return [];
    const turn = (this.#turns.get(namespace) ?? Promise.resolve()).then(() => this.#make(namespace, plan.volumes));
    this.#turns.set(
      namespace,
      turn.catch(() => undefined),
    );
    return await turn;
  }

  /** For a pod that is not backed up: volumeinfo says why none of its volumes are. */
  async leaveOut(pod: Pod, reason: string): Promise<void> {
    this.#skip(this.#plan(await this.#readState(), pod).volumes, reason);
  }

  /** A claim that the Backup saves: if no pod brings its volume, volumeinfo says so. */
  noteClaim({ metadata: { name, namespace = "" }, spec }: PersistentVolumeClaim): void {
    this.#claims.push({ metadata: { name, namespace }, spec: { volumeName: spec?.volumeName ?? "" } });
  }

  /** For `<b>-volumeinfo.json.gz`, once all have ended. */
  async infos(): Promise<readonly VolumeInfo[]> {
    const { results } = this.#options;
    const volumes = [...results.finished, ...results.lost];
    if (volumes.length + this.#skipped.length + this.#claims.length === 0) return [];
    const { claims, persistentVolumes } = await this.#readState();
    const taken = volumes.map((one) => {
      const claimName = one.metadata.annotations?.[annotations.pvcName];
      const claim = claims.get(`${one.spec.pod.namespace}/${claimName}`);
      return takenVolumeInfo(one, { claim, persistentVolume: persistentVolumes.get(claim?.spec?.volumeName ?? "") });
    });
    const reason = "no pod of the Backup uses its claim";
    const unused = this.#claims.map((claim) => {
      const persistentVolume = persistentVolumes.get(claim.spec?.volumeName ?? "");
      return skippedVolumeInfo({ volume: "", claim, persistentVolume, reason });
    });
    return volumeInfos(taken, [...this.#skipped, ...unused]);
  }

  #plan(state: VolumeState, pod: Pod): VolumePlan {
    const { policy, withoutClaims } = this.#options;
    const options = { mode: this.#mode, policy, withoutClaims, earlier: this.#earlier };
    const plan = planVolumes({ ...state, pods: [pod] }, options);
    this.#skipped.push(...plan.skipped.map(skippedVolumeInfo));
    return plan;
  }

  get #mode(): SelectionMode {
    const { defaultVolumesToFsBackup, defaultVolumesToRestic } = this.#options.record.backup.spec;
    const { defaultVolumesToFs } = this.#options.context.settings;
    return (defaultVolumesToFsBackup ?? defaultVolumesToRestic ?? defaultVolumesToFs) ? "opt-out" : "opt-in";
  }

  /** Once, when the first pod asks. */
  async #readState(): Promise<VolumeState> {
    const { namespaces, context, signal } = this.#options;
    this.#state ??= readVolumeState(namespaces, context, signal);
    return await this.#state;
  }

  async #make(namespace: string, planned: readonly PlannedVolume[]): Promise<readonly string[]> {
    const repository = await this.#repository(namespace);
    if ("error" in repository) {
      this.#skipForRepository(planned, repository.error);
      return [];
    }
    const names: string[] = [];
    for (const one of planned) names.push(await this.#makeOne(one, repository.identifier));
    return names;
  }

  async #makeOne(planned: PlannedVolume, repositoryIdentifier: string): Promise<string> {
    const { record, location, results, context, signal, log } = this.#options;
    const storageLocation = location.metadata.name;
    const wanted = makePodVolumeBackup({ backup: record.backup, planned, storageLocation, repositoryIdentifier });
    const name = wanted.metadata.name ?? "";
    if (results.has(name)) return name;
    const pod = `${planned.pod.metadata.namespace}/${planned.pod.metadata.name}`;
    log.log.info("backing up a volume", { pod, volume: planned.volume.name, podVolumeBackup: name });
    try {
      results.note(await context.client.create(podVolumeBackups, wanted, { signal }));
    } catch (error) {
      // Made by a server that was ended before it could see the answer.
      if (!KubeError.is(error, "already-exists")) throw error;
      results.note(await context.client.get(podVolumeBackups, { namespace: context.namespace, name }, { signal }));
    }
    return name;
  }

  /** Waits until it is ready or said not to become so. */
  async #repository(namespace: string): Promise<Exclude<EnsuredRepository, "wait">> {
    const { context, location, startedAtMs, signal } = this.#options;
    const bell = this.#options.bellOf(namespace);
    const wish = { volumeNamespace: namespace, location, waitingSinceMs: startedAtMs };
    for (;;) {
      const { count } = bell;
      const state = await context.ensureRepository(wish, signal);
      if (state !== "wait") return state;
      await bell.wait(count, repositoryPollMs, signal);
    }
  }

  /** One error per pod, as all its volumes are skipped. */
  #skipForRepository(planned: readonly PlannedVolume[], reason: string): void {
    const [first] = planned;
    if (first === undefined) return;
    const { namespace = "", name } = first.pod.metadata;
    const names = planned.map(({ volume }) => volume.name).join(", ");
    this.#options.log.error({ namespace }, `pod ${namespace}/${name}: ${reason}; its volumes ${names} are skipped`);
    this.#skip(planned, reason);
  }

  #skip(planned: readonly PlannedVolume[], reason: string): void {
    for (const { pod, volume, claim } of planned)
      this.#skipped.push(skippedVolumeInfo({ pod, volume: volume.name, claim, persistentVolume: undefined, reason }));
  }
}

function earlierVolume({ metadata, spec }: PodVolumeBackup): EarlierVolume {
  return { podUid: spec.pod.uid, volume: spec.volume, claimUid: metadata.labels?.[labels.pvcUid] };
}

function plannedBefore({ pod, volume, claim }: PlannedVolume): EarlierVolume {
  return { podUid: pod.metadata.uid, volume: volume.name, claimUid: claim?.metadata.uid };
}
