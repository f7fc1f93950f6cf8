// Addresses of files for people outside: signed by the store where it can, else of this server.
import { networkInterfaces } from "node:os";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/coded-error.ts";
import { ConfigError } from "../../platform/config-error.ts";
import { parseListenAddress } from "../../platform/listen-address.ts";
import type { Logger } from "../../platform/logger.ts";
import type { OpenLocationStore, StoredFile } from "../location-store/location-store.ts";
import type { ServerConfig } from "../server-config.ts";
import { DownloadServer } from "./download-server.ts";
import { givenCertificate, ownCertificate } from "./server-certificate.ts";

export interface DownloadAddress {
  readonly url: string;
  /** PEM; vouches for the URL where nobody else does. */
  readonly certificate?: string | undefined;
}

export interface Downloads {
  /** @throws ConfigError "address-unusable" when the store cannot sign and this server cannot give it out either; as openLocationStore. */
  addressOf(
    location: BackupStorageLocation,
    file: StoredFile,
    options: { readonly validMs: number; readonly signal: AbortSignal },
  ): Promise<DownloadAddress>;
  close(): Promise<void>;
}

export interface DownloadsOptions {
  readonly config: Pick<
    ServerConfig,
    "downloadAddress" | "downloadUrl" | "downloadCertificateFile" | "downloadKeyFile" | "podIp"
  >;
  readonly openLocationStore: OpenLocationStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** @throws ConfigError for flags that cannot be used; an address that is taken is only said, since few need it. */
export async function startDownloads(options: DownloadsOptions): Promise<Downloads> {
  const { config, openLocationStore, clock, log } = options;
  const address = parseListenAddress(config.downloadAddress);
  if (address === undefined) {
    throw new ConfigError(
      "flag-invalid",
      `--download-address ${JSON.stringify(config.downloadAddress)} is not HOST:PORT`,
    );
  }
  const host = hostFor(address.host, config.podIp);
  const isOwn = config.downloadCertificateFile === undefined;
  const certificate = await certificateFor(config, host, clock);
  const server = new DownloadServer({ openLocationStore, certificate, clock, log });
  let base: string | undefined;
  try {
    const port = await server.listen(address);
    base = config.downloadUrl ?? `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
    log.info("serving downloads of locations that are directories", { port });
  } catch (error) {
    log.warn("downloads of locations that are directories cannot be served", { error: messageOf(error) });
  }
  return {
    addressOf: async (location, file, { validMs, signal }) => {
      const signed = await signedUrl({ location, file, validMs }, openLocationStore, signal);
      if (signed !== undefined) return { url: signed };
      if (base === undefined) {
        throw new ConfigError(
          "address-unusable",
          `this server could not listen at ${config.downloadAddress} for downloads`,
        );
      }
      const url = publicUrlOf(location, base) + server.offer(location, file, validMs);
      return { url, ...(isOwn ? { certificate: certificate.certificatePem } : {}) };
    },
    close: () => server.close(),
  };
}

async function certificateFor(
  { downloadCertificateFile, downloadKeyFile, downloadUrl }: DownloadsOptions["config"],
  host: string,
  clock: Clock,
): ReturnType<typeof givenCertificate> {
  if (downloadCertificateFile !== undefined && downloadKeyFile !== undefined) {
    return await givenCertificate(downloadCertificateFile, downloadKeyFile);
  }
  if (downloadCertificateFile !== undefined || downloadKeyFile !== undefined) {
    throw new ConfigError("flag-invalid", "--download-certificate and --download-key belong together");
  }
  const named = downloadUrl === undefined ? [] : [new URL(downloadUrl).hostname.replace(/^\[|\]$/g, "")];
  return ownCertificate([...new Set([host, ...named, "localhost", "127.0.0.1"])], clock.now());
}

/** Without a slash at its end. */
function publicUrlOf({ metadata, spec }: BackupStorageLocation, base: string): string {
  const { publicUrl = "" } = spec.config ?? {};
  const url = (publicUrl === "" ? base : publicUrl).replace(/\/$/, "");
  if (URL.parse(url)?.protocol === "https:") return url;
  const message = `publicUrl of the storage location ${metadata.name} is no https:// URL`;
  throw new ConfigError("storage-location-unusable", message, { location: metadata.name });
}

interface SignWish {
  readonly location: BackupStorageLocation;
  readonly file: StoredFile;
  readonly validMs: number;
}

async function signedUrl(
  { location, file, validMs }: SignWish,
  open: OpenLocationStore,
  signal: AbortSignal,
): Promise<string | undefined> {
  const store = await open(location, signal);
  try {
    return await store.signedUrl(file, validMs);
  } finally {
    await store.close();
  }
}

/** Under which name others reach this process. */
function hostFor(listenHost: string, podIp: string | undefined): string {
  const isAny = listenHost === "" || listenHost === "0.0.0.0" || listenHost === "::";
  if (!isAny) return listenHost;
  const outer = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === "IPv4" && !one.internal);
  return podIp ?? outer?.address ?? "127.0.0.1";
}
