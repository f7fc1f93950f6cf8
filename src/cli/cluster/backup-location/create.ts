// backup-location create: a bucket, or with provider "local" a directory, for Backups and repositories.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { BackupStorageLocation } from "../../../api/backup-storage-location.ts";
import type { SecretKeySelector } from "../../../api/kube-object.ts";
import type { NewObject } from "../../../kube/typed-client.ts";
import { UsageError } from "../../usage-error.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { addCreateFlags, type CreateFlags, submit } from "../create-object.ts";
import { choiceParser, durationParser, mapParser, withoutUndefined, wordParser } from "../flag-values.ts";
import { locationNoun } from "./location-noun.ts";
import { unsetOtherDefaults } from "./other-defaults.ts";

interface CreateLocationFlags extends CreateFlags {
  readonly provider: string;
  readonly bucket: string;
  readonly prefix?: string;
  readonly config?: Readonly<Record<string, string>>;
  readonly credential?: SecretKeySelector;
  readonly default?: boolean;
  readonly accessMode?: "ReadOnly" | "ReadWrite";
  readonly backupSyncPeriod?: string;
  readonly validationFrequency?: string;
  readonly cacert?: string;
}

const about = `Tell the server of a place for backups. The Backups that are there already appear in the cluster by themselves:
that is how they move to another one (give it --access-mode ReadOnly to be sure that nothing is changed).`;

const examples = `
Examples:
  stowage backup-location create default --default --provider aws --bucket backups --config region=eu-west-1 \\
      --credential cloud-credentials=cloud
  stowage backup-location create minio --provider aws --bucket backups --prefix cluster-a --cacert ca.pem \\
      --config region=minio,s3ForcePathStyle=true,s3Url=https://minio.example.com --credential minio=cloud
  stowage backup-location create old --provider aws --bucket backups --access-mode ReadOnly`;

export function addCreateCommand(parent: Command, context: ClusterContext): void {
  const command = parent
    .command("create")
    .summary("tell the server of a place for backups")
    .description(about)
    .argument("<name>", "name of the location")
    .requiredOption("--provider <name>", "aws (any S3 store), or local (a directory)")
    .requiredOption("--bucket <name>", "the bucket; the folder in the directory")
    .option("--prefix <path>", "folder within the bucket")
    .option("--config <settings>", "settings, such as region=eu-west-1,s3ForcePathStyle=true", mapParser("--config"))
    .option("--credential <secret=key>", "Secret of this namespace, and its key with the credentials", parseCredential)
    .option("--default <true|false>", "for Backups that name no location", choiceParser("--default"))
    .option(
      "--access-mode <mode>",
      "ReadWrite, or ReadOnly: only restores",
      wordParser("--access-mode", ["ReadWrite", "ReadOnly"]),
    )
    .option("--cacert <file>", "certificates that vouch for the store")
    .option(
      "--backup-sync-period <duration>",
      "how often to look for Backups of others (0s: never)",
      durationParser("--backup-sync-period"),
    )
    .option(
      "--validation-frequency <duration>",
      "how often to look whether it can be reached (0s: never)",
      durationParser("--validation-frequency"),
    );
  addCreateFlags(command, "location")
    .addHelpText("after", examples)
    .action((name: string, flags: CreateLocationFlags) => run(name, flags, context));
}

async function run(name: string, flags: CreateLocationFlags, context: ClusterContext): Promise<void> {
  const caCert = flags.cacert === undefined ? undefined : await readCertificates(flags.cacert);
  const made = await submit(context, { noun: locationNoun, wanted: locationOf(name, flags, caCert), flags });
  if (made === undefined) return;
  if (flags.default === true) await unsetOtherDefaults(context, name);
  context.output.print(`Backup storage location ${name} is made.`);
  context.output.print(`Whether it can be used: stowage backup-location get ${name} -o wide`);
}

/** The location that the flags stand for. */
function locationOf(
  name: string,
  flags: CreateLocationFlags,
  caCert: string | undefined,
): NewObject<BackupStorageLocation> {
  const { bucket, prefix } = flags;
  return {
    metadata: { name },
    spec: withoutUndefined({
      provider: flags.provider,
      objectStorage: withoutUndefined({ bucket, prefix, caCert }),
      config: flags.config,
      credential: flags.credential,
      default: flags.default,
      accessMode: flags.accessMode,
      backupSyncPeriod: flags.backupSyncPeriod,
      validationFrequency: flags.validationFrequency,
    }),
  };
}

/** "secret=key". */
export function parseCredential(text: string): SecretKeySelector {
  const [, name, key] = /^([^=,\s]+)=([^=,\s]+)$/.exec(text) ?? [];
  if (name !== undefined && key !== undefined) return { name, key };
  throw new UsageError(`--credential ${text}: write it like cloud-credentials=cloud, the Secret's name and its key`);
}

/** A file of certificates in the form of the API. @throws UsageError for a file that holds none */
export async function readCertificates(path: string): Promise<string> {
  const bytes = await readFile(path);
  if (!bytes.includes("-----BEGIN CERTIFICATE-----")) {
    throw new UsageError(`--cacert ${path}: the file holds no certificate in PEM form`);
  }
  return bytes.toString("base64");
}
