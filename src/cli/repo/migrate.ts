// stowage repo migrate: brings a repository to a newer version of the format.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { listMigrations, type MigrationOutcome, migrate, RepositoryError } from "../../../repo-format/index.ts";
import { exitCodes } from "../exit-codes.ts";
import type { CommandContext } from "./command-context.ts";

interface MigrateFlags {
  readonly force?: boolean;
}

const about = `Say which migrations a repository can use, or apply those that are named. upgrade_repo_v2 takes a repository of
version 1 to version 2, which compresses: the repository is checked, then its config is replaced; stored data stay as they
are until "prune --repack-uncompressed". restic reads version 2 from 0.14 on.`;

const examples = `
Examples:
  stowage repo migrate                          what can be done
  stowage repo migrate upgrade_repo_v2
  stowage repo prune --repack-uncompressed      afterwards, when it suits: rewrites everything`;

export function addMigrateCommand(parent: Command, context: CommandContext): void {
  parent
    .command("migrate")
    .summary("bring a repository to a newer version of the format")
    .description(about)
    .argument("[names...]", "migrations to apply, in this order")
    .option("-f, --force", "try also what cannot be applied")
    .addHelpText("after", examples)
    .action((names: string[], flags: MigrateFlags) =>
      names.length === 0 ? show(context) : run(names, flags, context),
    );
}

async function show(context: CommandContext): Promise<void> {
  const { output } = context;
  await context.withLockedRepository("exclusive", async (repository) => {
    const usable = listMigrations(repository).filter(({ obstacle }) => obstacle === undefined);
    for (const { name, about } of usable) {
      if (output.isJson) output.message({ message_type: "migration", name, description: about });
      else output.print(`${name}  ${about}`);
    }
    if (usable.length === 0) output.print("there is nothing to migrate");
  });
}

async function run(names: readonly string[], flags: MigrateFlags, context: CommandContext): Promise<void> {
  let copy: string | undefined;
  const keepCopy = async (config: Buffer): Promise<string> => {
    const path = join(await mkdtemp(join(tmpdir(), "stowage-migrate-")), "config");
    await writeFile(path, config, { mode: 0o600 });
    copy = path;
    return path;
  };
  const outcomes = await context.withRepository((repository) =>
    migrate(repository, {
      names,
      force: flags.force === true,
      ...context.exclusiveLock({ mayGoWithout: false }),
      keepCopy,
      onFinding: ({ severity, message }) => {
        if (severity === "error") context.output.warn(`error: ${message}`);
      },
    }),
  );
  const hasFailed = outcomes.some(({ kind }) => kind === "failed");
  if (copy !== undefined && !hasFailed) await rm(dirname(copy), { recursive: true });
  for (const outcome of outcomes) report(outcome, context);
  if (copy !== undefined && hasFailed) context.output.print(`the old config was kept in ${copy}`);
}

/** What cannot be done is no failure to restic, and so it is none here: a script may ask for what was done before. */
function report(outcome: MigrationOutcome, context: CommandContext): void {
  const { output } = context;
  const { name } = outcome;
  switch (outcome.kind) {
    case "applied":
      if (output.isJson) output.message({ message_type: "applied", name });
      else output.print(`migration ${name}: done`);
      break;
    case "unknown":
      output.warn(`there is no migration ${name}`);
      break;
    case "refused":
      output.warn(`migration ${name} cannot be applied: ${outcome.reason}; --force tries it all the same`);
      break;
    case "failed":
      context.fail(exitCodes.failure, `Fatal: migration ${name} failed: ${reasonOf(outcome.error)}`);
  }
}

function reasonOf(error: unknown): string {
  const hint = RepositoryError.is(error) ? `\n  next: ${error.hint}` : "";
  return `${error instanceof Error ? error.message : String(error)}${hint}`;
}
