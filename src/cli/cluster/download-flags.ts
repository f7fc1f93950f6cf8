// The flags of the verbs that read files from the store.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { backupStorageLocations } from "../../api/resources.ts";
import type { ClusterContext } from "./cluster-context.ts";
import type { DownloadChoices } from "./download-request.ts";
import { durationMs, durationParser } from "./flag-values.ts";

export interface DownloadFlags {
  readonly timeout: string;
  readonly cacert?: string;
  readonly insecureSkipTlsVerify?: boolean;
}

export function addDownloadFlags(command: Command): Command {
  return command
    .option(
      "--timeout <duration>",
      "how long to wait for the server, and for the store",
      durationParser("--timeout"),
      "1m",
    )
    .option("--cacert <file>", "certificates that vouch for the store, beside the location's and the machine's")
    .option("--insecure-skip-tls-verify", "do not verify the store's certificate");
}

export async function downloadChoices(flags: DownloadFlags): Promise<DownloadChoices> {
  const caCertificates = flags.cacert === undefined ? undefined : await readFile(flags.cacert, "utf8");
  return {
    timeoutMs: durationMs(flags.timeout),
    caCertificates,
    insecureSkipTlsVerify: flags.insecureSkipTlsVerify === true,
  };
}

/** The location of that name; undefined without a name, or when it is gone. */
export async function locationOf(
  context: ClusterContext,
  name: string | undefined,
): Promise<BackupStorageLocation | undefined> {
  if (name === undefined || name === "") return undefined;
  return await context.client.find(backupStorageLocations, context.address(name), { signal: context.signal });
}
