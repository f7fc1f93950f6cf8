// The storage locations' part of the server.
import type { Controller } from "../../kube/controller.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { storageLocationReconciler } from "./reconciler.ts";

export function storageLocationPart(context: ServerContext, informers: Informers): readonly Controller[] {
  const validation = context.control(
    "storage-location",
    4,
    storageLocationReconciler({
      ...context,
      validationFrequencyMs: context.config.storeValidationFrequencyMs,
      available: context.metrics.gauge("stowage_storage_location_available", "1 when the location is Available", [
        "location",
      ]),
    }),
  );
  informers.locations.onChange(({ object }) => validation.enqueue(keyOfObject(object)));
  return [validation];
}
