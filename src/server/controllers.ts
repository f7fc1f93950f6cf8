// All parts of the server together: informers, and each part's controllers.
import { Controller, controllerMetrics } from "../kube/controller.ts";
import { backupPart } from "./backup/part.ts";
import { backupRepositoryPart } from "./backup-repository/part.ts";
import { backupSyncPart } from "./backup-sync/part.ts";
import { deletionPart } from "./deletion/part.ts";
import { requestsPart } from "./requests/part.ts";
import { restorePart } from "./restore/part.ts";
import { schedulePart } from "./schedule/part.ts";
import { createInformers, type ServerContext, type ServerPart } from "./server-context.ts";
import { statePart } from "./state/part.ts";
import { storageLocationPart } from "./storage-location/part.ts";

const parts: readonly ServerPart[] = [
  storageLocationPart,
  backupSyncPart,
  backupRepositoryPart,
  backupPart,
  restorePart,
  schedulePart,
  deletionPart,
  requestsPart,
  statePart,
];

export interface RunningControllers {
  /** Resolves when all have ended after the signal. */
  readonly ended: Promise<void>;
  /** The first list of each resource is in. */
  readonly isSynced: () => boolean;
}

/** Runs until the signal fires. */
export function startControllers(context: Omit<ServerContext, "control">, signal: AbortSignal): RunningControllers {
  const { log, clock } = context;
  const metrics = controllerMetrics(context.metrics);
  const control: ServerContext["control"] = (name, concurrency, reconcile) =>
    new Controller({ name, concurrency, reconcile, log, clock, metrics });
  const informers = createInformers(context);
  const controllers = parts.flatMap((part) => part({ ...context, control }, informers));
  const all = Object.values(informers);
  const runs = [
    ...all.map((informer) => informer.run(signal)),
    ...controllers.map((controller) => controller.run(signal)),
  ];
  return { ended: Promise.all(runs).then(() => undefined), isSynced: () => all.every((informer) => informer.isSynced) };
}
