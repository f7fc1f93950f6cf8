// backup-location set: changes of a location that is there.
import type { Command } from "commander";
import type { SecretKeySelector } from "../../../api/kube-object.ts";
import { UsageError } from "../../usage-error.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { choiceParser, withoutUndefined, wordParser } from "../flag-values.ts";
import { requireObject } from "../noun.ts";
import { parseCredential, readCertificates } from "./create.ts";
import { locationNoun } from "./location-noun.ts";
import { unsetOtherDefaults } from "./other-defaults.ts";

interface SetLocationFlags {
  readonly default?: boolean;
  readonly credential?: SecretKeySelector;
  readonly cacert?: string;
  readonly accessMode?: "ReadOnly" | "ReadWrite";
}

const about = `Change a location: make it the default (the one that was is not any more), give it other credentials or
certificates, allow or forbid writing. What no flag names stays as it is.`;

export function addSetCommand(parent: Command, context: ClusterContext): void {
  parent
    .command("set")
    .summary("make it the default, change credentials, allow or forbid writing")
    .description(about)
    .argument("<name>", "name of the location")
    .option("--default <true|false>", "for Backups that name no location", choiceParser("--default"))
    .option("--credential <secret=key>", "Secret of this namespace, and its key with the credentials", parseCredential)
    .option("--cacert <file>", 'certificates that vouch for the store; "" takes them away')
    .option(
      "--access-mode <mode>",
      "ReadWrite, or ReadOnly: only restores",
      wordParser("--access-mode", ["ReadWrite", "ReadOnly"]),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  stowage backup-location set minio --default\n  stowage backup-location set minio --access-mode ReadOnly",
    )
    .action((name: string, flags: SetLocationFlags) => run(name, flags, context));
}

async function run(name: string, flags: SetLocationFlags, context: ClusterContext): Promise<void> {
  const { client, signal, output } = context;
  const { cacert, credential, accessMode } = flags;
  // null takes the field away.
  const caCert = cacert === "" ? null : cacert === undefined ? undefined : await readCertificates(cacert);
  const spec = withoutUndefined({
    default: flags.default,
    credential,
    accessMode,
    objectStorage: caCert === undefined ? undefined : { caCert },
  });
  if (Object.keys(spec).length === 0) throw new UsageError("say what to change: --default, --credential, --cacert …");
  await requireObject(context, locationNoun, name);
  await client.mergePatch(locationNoun.resource, context.address(name), { spec }, { signal });
  if (flags.default === true) await unsetOtherDefaults(context, name);
  output.print(`Backup storage location ${name} is changed.`);
}
