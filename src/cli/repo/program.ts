// The `stowage repo` command: global flags, and one sub-command per verb.
import type { Command } from "commander";
import { addBackupCommand } from "./backup.ts";
import { addCatCommand } from "./cat.ts";
import { addCheckCommand } from "./check.ts";
import type { CommandContext } from "./command-context.ts";
import { addDumpCommand } from "./dump.ts";
import { addForgetCommand } from "./forget.ts";
import { addGlobalOptions, type GlobalFlags } from "./global-options.ts";
import { addInitCommand } from "./init.ts";
import { addKeyCommand } from "./key.ts";
import { addListCommand } from "./list.ts";
import { addLsCommand } from "./ls.ts";
import { addPruneCommand } from "./prune.ts";
import { addRestoreCommand } from "./restore.ts";
import { addSnapshotsCommand } from "./snapshots.ts";
import { addStatsCommand } from "./stats.ts";
import { addTagCommand } from "./tag.ts";
import { addUnlockCommand } from "./unlock.ts";

const guide = `
A first backup and a restore:
  export RESTIC_REPOSITORY=/srv/backups RESTIC_PASSWORD_FILE=~/.backup-password
  stowage repo init
  stowage repo backup ~/documents
  stowage repo restore latest --target /tmp/documents

The repositories are restic's: stock restic reads, checks and restores them, with the same environment.
Exit codes: 0 done, 1 failed, 3 some files could not be read, 10 no repository, 11 locked, 12 wrong password, 130 interrupted.
`;

/** Adds `repo` and all its verbs to the program. */
export function addRepoCommands(program: Command, context: CommandContext): void {
  const repo = program
    .command("repo")
    .description("work on a repository, with restic's verbs")
    .addHelpText("after", guide);
  addGlobalOptions(repo);
  repo.hook("preAction", () => context.begin(repo.opts<GlobalFlags>()));
  const adders = [
    addInitCommand,
    addBackupCommand,
    addRestoreCommand,
    addSnapshotsCommand,
    addLsCommand,
    addDumpCommand,
    addStatsCommand,
    addCheckCommand,
    addForgetCommand,
    addPruneCommand,
    addTagCommand,
    addKeyCommand,
    addUnlockCommand,
    addCatCommand,
    addListCommand,
  ];
  for (const add of adders) add(repo, context);
  for (const command of repo.commands) command.configureHelp({ showGlobalOptions: true });
}
