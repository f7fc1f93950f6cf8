// `stowage backup | restore | schedule | backup-location`: one sub-command per verb, with velero's grammar, and help that teaches.
import type { Command } from "commander";
import { formatRootHelp, formatVerbHelp } from "../help.ts";
import { UsageError } from "../usage-error.ts";
import { addBackupVerbs } from "./backup/verbs.ts";
import { addLocationVerbs } from "./backup-location/verbs.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { addClusterOptions, collectClusterFlags } from "./cluster-options.ts";
import { addRestoreVerbs } from "./restore/verbs.ts";
import { addScheduleVerbs } from "./schedule/verbs.ts";

interface Group {
  readonly summary: string;
  readonly description: string;
  readonly guide: string;
  readonly addVerbs: (parent: Command, context: ClusterContext) => void;
}

const exitCodeGuide = `
Exit codes: 0 done; 1 failed; 3 with --wait: PartiallyFailed, and for describe: a file of the store could not be read;
130 interrupted (what the server does goes on).
`;

const groups: Readonly<Record<string, Group>> = {
  backup: {
    summary: "back up namespaces and volumes of the cluster",
    description: "Back up objects of the cluster and the volumes of its pods, and look at what there is.",
    guide: `
A first backup, and the namespace brought back from it:
  kubectl -n shop annotate pod/db-0 backup.velero.io/backup-volumes=data
  stowage backup create shop-1 --include-namespaces shop --wait
  stowage backup describe shop-1 --details
  stowage restore create --from-backup shop-1 --wait
${exitCodeGuide}`,
    addVerbs: addBackupVerbs,
  },
  restore: {
    summary: "bring back what a backup holds",
    description: "Bring back what a backup holds, and look at how that went.",
    guide: `
A namespace as it was, or beside the one that is there:
  stowage restore create --from-backup shop-1 --wait
  stowage restore create --from-backup shop-1 --namespace-mappings shop:shop-test --wait
  stowage restore describe shop-1-20260331120000
  stowage restore logs shop-1-20260331120000
${exitCodeGuide}`,
    addVerbs: addRestoreVerbs,
  },
  schedule: {
    summary: "back up at certain times",
    description: "Back up at certain times.",
    guide: `
Every night, kept for thirty days; and one now:
  stowage schedule create nightly --schedule "0 3 * * *" --include-namespaces shop --ttl 720h
  stowage backup create --from-schedule nightly --wait
  stowage schedule pause nightly
${exitCodeGuide}`,
    addVerbs: addScheduleVerbs,
  },
  "backup-location": {
    summary: "places where backups are kept",
    description: "Places where backups are kept: buckets of S3 stores, and directories.",
    guide: `
A bucket for backups, and a look at whether it can be used:
  kubectl -n velero create secret generic cloud-credentials --from-file=cloud=./credentials
  stowage backup-location create default --default --provider aws --bucket backups --config region=eu-west-1 \\
      --credential cloud-credentials=cloud
  stowage backup-location get -o wide
${exitCodeGuide}`,
    addVerbs: addLocationVerbs,
  },
};

/** Adds one noun with its verbs. */
export function addNounCommands(program: Command, noun: string, context: ClusterContext): void {
  const group = groups[noun];
  if (group === undefined) {
    throw new UsageError(`${noun} what? one of: ${Object.keys(groups).join(", ")}; as in: stowage ${noun} backup`);
  }
  const command = program
    .command(noun)
    .summary(group.summary)
    .description(group.description)
    .usage("VERB [options]")
    .enablePositionalOptions()
    .addHelpText("after", group.guide);
  group.addVerbs(command, context);
  addClusterOptions(command);
  const words = `stowage ${noun}`;
  command.showHelpAfterError(`  see: ${words} --help`);
  command.helpCommand("help [verb]", "explain a verb").configureHelp({ formatHelp: formatRootHelp });
  for (const verb of command.commands) finish(verb, words);
  command.hook("preAction", (_, verb) => context.begin(collectClusterFlags(verb)));
}

function finish(verb: Command, noun: string): void {
  addClusterOptions(verb);
  // Texts are broken for the reader of the source; the terminal breaks them anew.
  verb.description(verb.description().replaceAll("\n", " "));
  verb.showHelpAfterError(`  see: ${noun} ${verb.name()} --help`);
  verb.helpCommand(false).configureHelp({ formatHelp: formatVerbHelp });
  verb.addHelpText("after", `\nOptions of every command (cluster, namespace): ${noun} --help`);
}
