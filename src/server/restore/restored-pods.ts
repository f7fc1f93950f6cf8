// What becomes of pods on their way through a Restore: before they are made, they get the containers that hold the
// application back; once they are there, their volumes are filled and their hooks run.
import type { Pod } from "../../api/core.ts";
import type { Restore, RestoreSpec } from "../../api/restore.ts";
import { initHookContainers, withInitContainers } from "../hooks/init-hook-containers.ts";
import type { RestoreHooks } from "../hooks/restore-hooks.ts";
import type { RunLog } from "../run-log/run-log.ts";
import { inclusion } from "./objects/restore-scope.ts";
import { readPluginConfig } from "./objects/rules/plugin-config.ts";
import { ownImage } from "./own-image.ts";
import type { RestoreContext } from "./restore-context.ts";
import { type PodSnapshots, podSnapshots, type VolumeBackupsByPod } from "./volumes/pod-snapshots.ts";
import { withoutRestoreWait, withRestoreWait } from "./volumes/restore-wait-container.ts";
import { type RestoreWaitSettings, restoreWaitPlugin, restoreWaitSettings } from "./volumes/restore-wait-settings.ts";
import type { VolumeRestores } from "./volumes/volume-restores.ts";

export interface RestoredPodsOptions {
  readonly context: RestoreContext;
  readonly restore: Restore;
  readonly volumeBackups: VolumeBackupsByPod;
  readonly volumes: Pick<VolumeRestores, "begin">;
  readonly hooks: Pick<RestoreHooks, "begin">;
  readonly log: RunLog;
  readonly signal: AbortSignal;
}

export class RestoredPods {
  readonly #options: RestoredPodsOptions;
  #settings: Promise<RestoreWaitSettings> | undefined;
  readonly #begun: Pod[] = [];

  constructor(options: RestoredPodsOptions) {
    this.#options = options;
  }

  /** @param original as it was backed up. @throws Error when it must not be made */
  async transform(pod: Pod, original: Pod): Promise<Pod> {
    const { restore, log } = this.#options;
    const volumes = this.#snapshotsOf(pod, original).snapshots.map(({ volume }) => volume);
    const waiting = volumes.length === 0 ? withoutRestoreWait(pod) : await this.#withRestoreWait(pod, volumes);
    const { containers, warnings } = initHookContainers(waiting, restore.spec.hooks);
    for (const warning of warnings) log.warning({ namespace: pod.metadata.namespace ?? "" }, warning);
    return withInitContainers(waiting, containers);
  }

  /** Those that are there now, as they were backed up. */
  get originals(): readonly Pod[] {
    return this.#begun;
  }

  /** Begins what takes long. */
  begin(pod: Pod, original: Pod): void {
    this.#begun.push(original);
    const { volumes, hooks, log } = this.#options;
    const { snapshots, warnings, errors } = this.#snapshotsOf(pod, original);
    const { namespace = "" } = pod.metadata;
    for (const warning of warnings) log.warning({ namespace }, warning);
    for (const error of errors) log.error({ namespace }, error);
    volumes.begin({ pod, sourceNamespace: original.metadata.namespace ?? "", snapshots });
    hooks.begin(pod);
  }

  #snapshotsOf(pod: Pod, original: Pod): PodSnapshots {
    const { volumeBackups, restore } = this.#options;
    return podSnapshots(pod, original, { volumeBackups, leavesOutClaims: leavesOutClaims(restore.spec) });
  }

  async #withRestoreWait(pod: Pod, volumes: readonly string[]): Promise<Pod> {
    const restoreUid = this.#options.restore.metadata.uid ?? "";
    return withRestoreWait(pod, { settings: await this.#readSettings(), restoreUid, volumes });
  }

  /** Read once, when the first pod needs them. */
  #readSettings(): Promise<RestoreWaitSettings> {
    this.#settings ??= this.#loadSettings().catch((error) => {
      this.#settings = undefined;
      throw error;
    });
    return this.#settings;
  }

  async #loadSettings(): Promise<RestoreWaitSettings> {
    const { context, log, signal } = this.#options;
    const { client, namespace } = context;
    const { data, problem } = await readPluginConfig(restoreWaitPlugin, { client, namespace, signal });
    if (problem !== undefined) throw new Error(problem);
    const defaultImage = context.settings.restoreHelperImage ?? (await ownImage(client, namespace, signal));
    const { settings, warnings } = restoreWaitSettings(data, defaultImage);
    for (const warning of warnings) log.warning("velero", warning);
    return settings;
  }
}

const claims = "persistentvolumeclaims";
/** Other names by which a Restore may mean claims. */
const claimNames: readonly string[] = ["persistentvolumeclaim", "pvc"];

/** Who leaves claims out of a Restore, by name or by pattern, wants what is in them now. */
export function leavesOutClaims({ includedResources, excludedResources }: RestoreSpec): boolean {
  const resolve = (name: string): string => (claimNames.includes(name.toLowerCase()) ? claims : name.toLowerCase());
  return !inclusion(includedResources, excludedResources, resolve).includes(claims);
}
