// What follows the creation of an object: its status and its field managers come back, a CRD is awaited. The object is there
// in any case, so what fails here is a warning.
import type { KubeObject } from "../../../api/kube-object.ts";
import type { DiscoveredResource } from "../../../kube/discovery.ts";
import { messageOf } from "../../../platform/coded-error.ts";
import type { ResultPlace } from "../../run-log/run-log.ts";
import { awaitEstablished } from "./await-crds.ts";
import { isEndOfRun } from "./end-of-run.ts";
import { type MutableObject, objectsAt } from "./json-fields.ts";
import { addressOf } from "./placement.ts";
import type { RestoreObjectsOptions } from "./restore-objects-options.ts";
import { crdKind } from "./restore-order.ts";
import { writeStatus } from "./restored-status.ts";

export interface CreatedObject {
  readonly groupResource: string;
  readonly resource: DiscoveredResource;
  readonly place: ResultPlace;
  /** As it was backed up. */
  readonly original: MutableObject;
  /** As it was created. */
  readonly object: MutableObject;
  readonly restoresStatus: boolean;
}

const crdTimeoutMs = 120_000;

type Options = Pick<RestoreObjectsOptions, "client" | "clock" | "log" | "signal">;

/** @throws KubeError when the run cannot go on */
export async function finishCreated(created: CreatedObject, options: Options): Promise<void> {
  const { groupResource, original, resource, object } = created;
  const { client, signal } = options;
  const { status } = original;
  if (created.restoresStatus && status !== undefined) {
    const write = (): Promise<void> => writeStatus({ resource, object, status }, client, signal);
    await warnOfFailure("its status could not be restored", write, { created, options });
  }
  const restore = (): Promise<void> => restoreManagers(created, options);
  await warnOfFailure("its field managers could not be restored", restore, { created, options });
  if (groupResource === crdKind) await awaitCrd(created, options);
}

async function warnOfFailure(
  what: string,
  step: () => Promise<void>,
  { created, options }: { readonly created: CreatedObject; readonly options: Options },
): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (isEndOfRun(error, options.signal)) throw error;
    const { kind, metadata } = created.object;
    options.log.warning(created.place, `${kind} ${metadata.name} is there, but ${what}: ${messageOf(error)}`);
  }
}

/**
 * Who had applied which fields server-side: without it the next apply of that manager would meet a conflict, or leave fields
 * behind that it no longer names. For other managers nothing depends on it.
 */
async function restoreManagers(
  { original, object, resource }: CreatedObject,
  { client, signal }: Options,
): Promise<void> {
  const managedFields = objectsAt(original, "metadata", "managedFields");
  if (!managedFields.some(({ operation }) => operation === "Apply")) return;
  await client.mergePatch<KubeObject>(resource, addressOf(object), { metadata: { managedFields } }, { signal });
}

async function awaitCrd({ object, place }: CreatedObject, { client, clock, signal, log }: Options): Promise<void> {
  const { name } = object.metadata;
  const problem = await awaitEstablished(name, { client, clock, signal, timeoutMs: crdTimeoutMs });
  if (problem !== undefined) log.error(place, `CRD ${name} cannot be used: ${problem}`);
}
