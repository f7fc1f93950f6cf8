// Init containers that hooks put into a restored pod.
import type { Container, Pod } from "../../api/core.ts";
import { restoreWaitContainer } from "../../api/names.ts";
import type { RestoreSpec } from "../../api/restore.ts";
import { HookAnnotations } from "./hook-annotations.ts";
import { selectsPod } from "./hook-selector.ts";

export interface InitHooks {
  /** In their order; with whatever fields the spec gives them. */
  readonly containers: readonly Container[];
  readonly warnings: readonly string[];
}

/** @param pod in the namespace that it is restored to. */
export function initHookContainers(pod: Pod, spec: RestoreSpec["hooks"]): InitHooks {
  const found = new HookAnnotations(pod, "init.hook.restore.velero.io/");
  const image = found.text("container-image");
  if (image !== "") {
    const command = found.command();
    const name = found.text("container-name") || "velero-restore-init";
    const container: Container = { name, image, ...(command === undefined ? {} : { command }) };
    return { containers: [container], warnings: found.warnings };
  }
  const selecting = (spec?.resources ?? []).filter((resource) => selectsPod(resource, pod));
  const hooks = selecting.flatMap(({ postHooks }) => postHooks ?? []);
  return { containers: hooks.flatMap(({ init }) => (init?.initContainers ?? []) as Container[]), warnings: [] };
}

/**
 * The pod with the containers before its own init containers, but after the one that waits for the volumes' data. Own ones
 * of the same name are replaced: a pod that was restored before, and backed up since, has them already.
 */
export function withInitContainers<T extends Pod>(pod: T, containers: readonly Container[]): T {
  if (containers.length === 0 || pod.spec === undefined) return pod;
  const names = new Set(containers.map(({ name }) => name));
  const own = (pod.spec.initContainers ?? []).filter(({ name }) => !names.has(name));
  const waiting = own[0]?.name === restoreWaitContainer ? 1 : 0;
  const initContainers = [...own.slice(0, waiting), ...containers, ...own.slice(waiting)];
  return { ...pod, spec: { ...pod.spec, initContainers } };
}
