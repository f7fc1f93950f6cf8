// Files of a Backup or a Restore that lie in the store: a DownloadRequest asks the server for an address, from which they are
// read without credentials of the store.
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import type { DownloadRequest, DownloadTargetKind } from "../../api/requests.ts";
import { downloadRequests } from "../../api/resources.ts";
import { messageOf } from "../../platform/coded-error.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { CommandError, SilentServerError } from "./command-error.ts";
import { followObject } from "./follow-object.ts";
import { openUrl } from "./open-url.ts";

export interface StoredFile {
  readonly kind: DownloadTargetKind;
  /** Of the Backup or the Restore. */
  readonly name: string;
  /** Where the Backup lies; its certificates vouch for the store. */
  readonly location: BackupStorageLocation | undefined;
}

export interface DownloadChoices {
  readonly timeoutMs: number;
  /** Certificates in PEM form, beside those that the machine trusts. */
  readonly caCertificates?: string | undefined;
  readonly insecureSkipTlsVerify: boolean;
}

/** The only file that is wanted as it is stored. */
const packedKind: DownloadTargetKind = "BackupContents";

/** A command that ends, perhaps because it was interrupted, does not wait longer than this for a server that is away. */
const tidyingMs = 3000;

/** The largest JSON document that is read into memory, unpacked. */
const maxDocumentBytes = 256 * 1024 * 1024;

/**
 * Streams a file, unpacked unless it is the tarball.
 * @param take reads the stream to its end.
 * @returns undefined when the store has no such file.
 * @throws CommandError when the server does not answer or the file cannot be fetched
 */
export async function readStoredFile<R>(
  context: ClusterContext,
  file: StoredFile,
  choices: DownloadChoices,
  take: (stream: Readable) => Promise<R>,
): Promise<R | undefined> {
  const { client, namespace, signal } = context;
  const target = { kind: file.kind, name: file.name };
  const wanted = { metadata: { generateName: `${file.name}-`, namespace }, spec: { target } };
  const request = await client.create(downloadRequests, wanted, { signal });
  try {
    const { url, certificate } = await awaitAddress(context, request, choices.timeoutMs);
    const stream = await openUrl(url, {
      ...trustOf(file.location, choices, certificate),
      // The server's answer and the store's may each take so long.
      timeoutMs: choices.timeoutMs,
      signal,
    });
    if (stream === undefined) return undefined;
    return await take(file.kind === packedKind ? stream : unpacked(stream));
  } catch (error) {
    if (!isDamage(error)) throw error;
    const next = `make another ${file.kind.startsWith("Restore") ? "restore" : "backup"}, and check the store`;
    throw new CommandError(`${file.kind} of ${file.name} in the store is damaged: ${messageOf(error)}`, next);
  } finally {
    // The server would do it after a while; who has no right to does not matter.
    const limit = { signal: AbortSignal.timeout(tidyingMs) };
    await client.delete(downloadRequests, context.address(request.metadata.name), limit).catch(() => undefined);
  }
}

/** A JSON file, parsed. */
export async function readStoredJson<T>(
  context: ClusterContext,
  file: StoredFile,
  choices: DownloadChoices,
): Promise<T | undefined> {
  return await readStoredFile(context, file, choices, async (stream) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxDocumentBytes)
        throw new CommandError(`${file.kind} of ${file.name} is too large to show`, "describe it without --details");
      chunks.push(chunk);
    }
    try {
      return JSON.parse(Buffer.concat(chunks).toString("utf8")) as T;
    } catch {
      throw new CommandError(`${file.kind} of ${file.name} is not JSON`, "the file in the store is damaged");
    }
  });
}

interface SignedAddress {
  readonly url: string;
  readonly certificate: string | undefined;
}

async function awaitAddress(
  context: ClusterContext,
  request: DownloadRequest,
  timeoutMs: number,
): Promise<SignedAddress> {
  const isDone = ({ metadata, status }: DownloadRequest): boolean =>
    hasText(status?.downloadURL) || status?.phase === "Processed" || problemOf(metadata) !== undefined;
  const { name } = request.metadata;
  const end = await followObject(context, { resource: downloadRequests, name, isDone, timeoutMs });
  const { kind, name: of } = request.spec.target;
  if (end.as === "timeout") {
    throw new SilentServerError(
      `the server has not said within ${timeoutMs / 1000} s where ${kind} of ${of} can be read`,
      `see whether it runs, and what its log says: kubectl -n ${context.namespace} logs deployment/stowage; stowage backup-location get says whether the store can be reached`,
    );
  }
  if (end.as === "deleted") throw new CommandError(`the request for ${kind} of ${of} was deleted`, "ask again");
  const { metadata, status } = end.object;
  const url = status?.downloadURL;
  if (url === undefined || url === "") {
    const why = problemOf(metadata);
    throw new CommandError(
      `the server cannot give ${kind} of ${of}${why === undefined ? "" : `: ${why}`}`,
      "stowage backup-location get -o wide  says whether the store can be reached; the server's log says more",
    );
  }
  return { url, certificate: metadata.annotations?.[annotations.downloadCertificate] };
}

function problemOf({ annotations: notes }: DownloadRequest["metadata"]): string | undefined {
  const problem = notes?.[annotations.downloadProblem];
  return hasText(problem) ? problem : undefined;
}

/** Whose certificates count: the user's, the location's, those that came with the address. */
function trustOf(
  location: BackupStorageLocation | undefined,
  choices: DownloadChoices,
  certificate: string | undefined,
): { readonly caCertificates: readonly string[]; readonly isVerified: boolean } {
  const { caCert } = location?.spec.objectStorage ?? {};
  const ofLocation = hasText(caCert) ? Buffer.from(caCert ?? "", "base64").toString("utf8") : undefined;
  const all = [choices.caCertificates, ofLocation, certificate];
  const isLax = location?.spec.config?.insecureSkipTLSVerify === "true";
  return {
    caCertificates: all.filter((one): one is string => one !== undefined),
    isVerified: !choices.insecureSkipTlsVerify && !isLax,
  };
}

function unpacked(stream: Readable): Readable {
  const gunzip = createGunzip();
  stream.on("error", (error) => gunzip.destroy(error));
  gunzip.on("close", () => stream.destroy());
  return stream.pipe(gunzip);
}

/** zlib says that it is not what gzip has made, or not all of it. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && /^Z_/.test((error as NodeJS.ErrnoException).code ?? "");
}

function hasText(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}
