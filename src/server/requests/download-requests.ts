// Answers DownloadRequests with an address of the file that is asked for, and removes them when it has expired.
import { annotations } from "../../api/names.ts";
import type { DownloadRequest } from "../../api/requests.ts";
import { backupStorageLocations, backups, downloadRequests, restores } from "../../api/resources.ts";
import type { Reconcile } from "../../kube/controller.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { asCodedError, explainError } from "../../platform/coded-error.ts";
import type { StoredFile } from "../location-store/location-store.ts";
import type { ServerContext } from "../server-context.ts";
import { storedFileOf } from "./download-target.ts";
import type { DownloadAddress } from "./downloads.ts";

export interface DownloadRequestContext
  extends Pick<ServerContext, "namespace" | "clock" | "log" | "redact" | "downloads"> {
  readonly client: Pick<ServerContext["client"], "find" | "mergePatch" | "delete">;
}

const validMs = 10 * 60_000;

/** It cannot be answered, now or later; the message is for whoever asked. */
class NoAnswer extends Error {}

/** The reconcile function of the download-request controller. */
export function downloadRequestReconciler(context: DownloadRequestContext): Reconcile {
  return async (key, signal) => {
    const request = await context.client.find(downloadRequests, splitKey(key), { signal });
    if (request === undefined || request.metadata.deletionTimestamp !== undefined) return {};
    const leftMs = expiresAt(request) - context.clock.now();
    if (leftMs <= 0) {
      await context.client.delete(downloadRequests, splitKey(key), { signal });
      return {};
    }
    if (request.status?.phase === "Processed") return { requeueAfterMs: leftMs };
    await answer(request, context, signal);
    return { requeueAfterMs: validMs };
  };
}

/** One that cannot be answered for so long (its store may be away) is dropped, too. */
function expiresAt({ metadata, status }: DownloadRequest): number {
  const made = parseTimestamp(metadata.creationTimestamp);
  return parseTimestamp(status?.expiration) ?? (made === undefined ? Number.POSITIVE_INFINITY : made + validMs);
}

async function answer(request: DownloadRequest, context: DownloadRequestContext, signal: AbortSignal): Promise<void> {
  try {
    const { url, certificate } = await addressFor(request, context, signal);
    const vouching = certificate === undefined ? {} : { [annotations.downloadCertificate]: certificate };
    await end(request, context, { downloadURL: url, annotations: vouching });
  } catch (error) {
    const isFinal = error instanceof NoAnswer || asCodedError(error)?.retry === "never";
    if (signal.aborted || !isFinal) throw error;
    const problem = context.redact(explainError(error));
    const { kind, name } = request.spec.target;
    context.log.warn("a download is not possible", { request: request.metadata.name, kind, of: name, error: problem });
    await end(request, context, { annotations: { [annotations.downloadProblem]: problem } });
  }
}

async function addressFor(
  { spec }: DownloadRequest,
  { client, namespace, downloads }: DownloadRequestContext,
  signal: AbortSignal,
): Promise<DownloadAddress> {
  const { kind, name } = spec.target;
  const file = storedFileOf(kind, name);
  if (file === undefined) throw new NoAnswer(`there are no files of the kind ${kind}`);
  const backupName = await backupOf(file, { client, namespace }, signal);
  const backup = await client.find(backups, { namespace, name: backupName }, { signal });
  if (backup === undefined) throw new NoAnswer(`there is no Backup ${backupName}`);
  const { storageLocation = "" } = backup.spec;
  if (storageLocation === "") throw new NoAnswer(`the Backup ${backupName} was never stored`);
  const location = await client.find(backupStorageLocations, { namespace, name: storageLocation }, { signal });
  if (location === undefined) throw new NoAnswer(`there is no storage location ${storageLocation}`);
  return await downloads.addressOf(location, file, { validMs, signal });
}

/** The Backup in whose location the file is. */
async function backupOf(
  file: StoredFile,
  { client, namespace }: Pick<DownloadRequestContext, "client" | "namespace">,
  signal: AbortSignal,
): Promise<string> {
  if (file.of === "backup") return file.name;
  const restore = await client.find(restores, { namespace, name: file.name }, { signal });
  if (restore === undefined) throw new NoAnswer(`there is no Restore ${file.name}`);
  const { backupName = "" } = restore.spec;
  if (backupName === "") throw new NoAnswer(`the Restore ${file.name} has not chosen a Backup`);
  return backupName;
}

interface Answer {
  readonly downloadURL?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

async function end(
  { metadata }: DownloadRequest,
  { client, clock }: DownloadRequestContext,
  { downloadURL, annotations: added }: Answer,
): Promise<void> {
  const expiration = formatTimestamp(clock.now() + validMs);
  const status = { phase: "Processed", expiration, ...(downloadURL === undefined ? {} : { downloadURL }) };
  const { name, namespace } = metadata;
  await client.mergePatch(downloadRequests, { name, namespace }, { metadata: { annotations: added }, status });
}
