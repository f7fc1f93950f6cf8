// The part of the server that answers people's requests.
import type { Controller } from "../../kube/controller.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { downloadRequestReconciler } from "./download-requests.ts";
import { serverStatusReconciler } from "./server-status-requests.ts";

export function requestsPart(context: ServerContext, informers: Informers): readonly Controller[] {
  const downloads = context.control("download-request", 4, downloadRequestReconciler(context));
  informers.downloads.onChange(({ type, object }) => {
    if (type !== "deleted") downloads.enqueue(keyOfObject(object));
  });
  const statuses = context.control("server-status-request", 1, serverStatusReconciler(context));
  informers.statusRequests.onChange(({ type, object }) => {
    if (type !== "deleted") statuses.enqueue(keyOfObject(object));
  });
  return [downloads, statuses];
}
