// The `stowage repo` command: one sub-command per verb, what they have in common, and help that teaches.
import type { Command } from "commander";
import { formatGroupHelp, formatRootHelp, formatVerbHelp } from "../help.ts";
import { addBackupCommand } from "./backup.ts";
import { addCatCommand } from "./cat.ts";
import { addCheckCommand } from "./check.ts";
import type { CommandContext } from "./command-context.ts";
import { addCopyCommand } from "./copy.ts";
import { addDiffCommand } from "./diff.ts";
import { addDumpCommand } from "./dump.ts";
import { addFindCommand } from "./find.ts";
import { addForgetCommand } from "./forget.ts";
import { addGlobalOptions, collectGlobalFlags } from "./global-options.ts";
import { addInitCommand } from "./init.ts";
import { addKeyCommand } from "./key.ts";
import { addListCommand } from "./list.ts";
import { addLsCommand } from "./ls.ts";
import { addMigrateCommand } from "./migrate.ts";
import { addPruneCommand } from "./prune.ts";
import { addRecoverCommand } from "./recover.ts";
import { addRepairCommand } from "./repair.ts";
import { addRestoreCommand } from "./restore.ts";
import { addRewriteCommand } from "./rewrite.ts";
import { addSnapshotsCommand } from "./snapshots.ts";
import { addStatsCommand } from "./stats.ts";
import { addTagCommand } from "./tag.ts";
import { addUnlockCommand } from "./unlock.ts";
import { addVersionCommand } from "./version-command.ts";

const guide = `
A first backup and a restore:
  export RESTIC_REPOSITORY=/srv/backups RESTIC_PASSWORD_FILE=~/.backup-password
  stowage repo init
  stowage repo backup ~/documents
  stowage repo restore latest --target /tmp/documents
  stowage repo check

The repositories are restic's: stock restic reads, checks and restores them, with the same environment
(each RESTIC_ variable has a STOWAGE_ twin, which wins). Each verb explains itself: stowage repo VERB --help

Exit codes: 0 done; 1 failed; 3 some files could not be read, the rest is stored; 10 no repository; 11 locked;
12 wrong password; 130 interrupted.
`;

const rootWords = "stowage repo";

/** Adds `repo` and all its verbs to the program. */
export function addRepoCommands(program: Command, context: CommandContext): void {
  const repo = program
    .command("repo")
    .summary("work on a repository, with restic's verbs")
    .description("Work on a repository with restic's verbs: back up, restore, look around, clean up.")
    .usage("VERB [options]")
    .enablePositionalOptions()
    .addHelpText("after", guide);
  const adders = [
    addInitCommand,
    addBackupCommand,
    addRestoreCommand,
    addSnapshotsCommand,
    addLsCommand,
    addDumpCommand,
    addDiffCommand,
    addFindCommand,
    addStatsCommand,
    addCheckCommand,
    addForgetCommand,
    addPruneCommand,
    addTagCommand,
    addCopyCommand,
    addRewriteCommand,
    addKeyCommand,
    addUnlockCommand,
    addRepairCommand,
    addRecoverCommand,
    addMigrateCommand,
    addCatCommand,
    addListCommand,
    addVersionCommand,
  ];
  for (const add of adders) add(repo, context);
  addGlobalOptions(repo);
  finish(repo, rootWords);
  repo.hook("preAction", (_, verb) => context.begin(pathOf(verb), collectGlobalFlags(verb)));
}

/**
 * Gives all commands below one the global flags, and a word on where to read more when they are used wrongly. Only the one
 * that is called gets the flags: for all of them that took a tenth of a short command's time.
 */
function finish(command: Command, words: string): void {
  const isRoot = words === rootWords;
  command.hook("preSubcommand", (_, child) => addGlobalOptions(child));
  // Texts are broken for the reader of the source; the terminal breaks them anew.
  command.description(command.description().replaceAll("\n", " "));
  command.showHelpAfterError(`  see: ${words} --help`);
  // `restic help backup` is a habit of many.
  if (isRoot) command.helpCommand("help [verb]", "explain a verb");
  else command.helpCommand(false);
  if (isRoot) command.configureHelp({ formatHelp: formatRootHelp });
  else {
    command.configureHelp({ formatHelp: command.commands.length > 0 ? formatGroupHelp : formatVerbHelp });
    command.addHelpText("after", `\nOptions of every command (repository, password, output …): ${rootWords} --help`);
  }
  for (const child of command.commands) finish(child, `${words} ${child.name()}`);
}

/** "backup", or "key list". */
function pathOf(verb: Command): string {
  const { parent } = verb;
  return parent === null || parent.name() === "repo" ? verb.name() : `${pathOf(parent)} ${verb.name()}`;
}
