// The second repository of a command: the flags --from-… and the variables RESTIC_FROM_… name it and what opens it. Flags
// of the store (-o, --cacert …) and its credentials are those of both.
import type { Command } from "commander";
import { UsageError } from "../usage-error.ts";
import { CommandContext } from "./command-context.ts";
import type { GlobalFlags } from "./global-options.ts";

export interface FromFlags {
  readonly fromRepo?: string;
  readonly fromRepositoryFile?: string;
  readonly fromPasswordFile?: string;
  readonly fromPasswordCommand?: string;
  readonly fromKeyHint?: string;
  readonly fromInsecureNoPassword?: boolean;
}

export function addFromOptions(command: Command): Command {
  return command
    .option("--from-repo <location>", "the source repository (RESTIC_FROM_REPOSITORY)")
    .option("--from-repository-file <file>", "file that holds its location (RESTIC_FROM_REPOSITORY_FILE)")
    .option("--from-password-file <file>", "file that holds its password (RESTIC_FROM_PASSWORD_FILE)")
    .option("--from-password-command <command>", "command that prints its password (RESTIC_FROM_PASSWORD_COMMAND)")
    .option("--from-key-hint <id>", "key of it to try first (RESTIC_FROM_KEY_HINT)")
    .option("--from-insecure-no-password", "its password is empty");
}

/** A context that opens the source repository; what is not about the repository is as in the given one. */
export function fromContext(flags: FromFlags, context: CommandContext): CommandContext {
  const { from } = context.environment;
  const isNamed = [flags.fromRepo, flags.fromRepositoryFile, from.repository, from.repositoryFile].some(Boolean);
  if (!isNamed) throw new UsageError("no source repository is named: give --from-repo, or set RESTIC_FROM_REPOSITORY");
  const { output, signal, clock, version } = context;
  const environment = { ...context.environment, ...from };
  const other = new FromContext({ output, signal, clock, version, environment, repositoryName: "source repository" });
  other.flags = fromGlobalFlags(flags, context.flags);
  return other;
}

/** Says which flags and variables are meant: all have the same names as those of the target, with a part more. */
class FromContext extends CommandContext {
  override async openStore(): ReturnType<CommandContext["openStore"]> {
    return await named(super.openStore());
  }

  override async password(confirm: boolean): Promise<string> {
    return await named(super.password(confirm));
  }
}

async function named<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = error.message
      .replaceAll(/--(?=repo|password|insecure)/g, "--from-")
      .replaceAll(/RESTIC_(?=REPO|PASSWORD)/g, "RESTIC_FROM_");
    throw new UsageError(`the source repository: ${message}`);
  }
}

function fromGlobalFlags(flags: FromFlags, all: GlobalFlags): GlobalFlags {
  const { repo, repositoryFile, passwordFile, passwordCommand, keyHint, insecureNoPassword, ...others } = all;
  return {
    ...others,
    ...(flags.fromRepo === undefined ? {} : { repo: flags.fromRepo }),
    ...(flags.fromRepositoryFile === undefined ? {} : { repositoryFile: flags.fromRepositoryFile }),
    ...(flags.fromPasswordFile === undefined ? {} : { passwordFile: flags.fromPasswordFile }),
    ...(flags.fromPasswordCommand === undefined ? {} : { passwordCommand: flags.fromPasswordCommand }),
    ...(flags.fromKeyHint === undefined ? {} : { keyHint: flags.fromKeyHint }),
    ...(flags.fromInsecureNoPassword === true ? { insecureNoPassword: true } : {}),
  };
}
