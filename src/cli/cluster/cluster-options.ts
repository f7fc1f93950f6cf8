// The flags that every command on a cluster takes, before or after the verb: which cluster, which namespace.
import { type Command, Option } from "commander";
import { everyCommandGroup } from "../help.ts";

/** Values as commander delivers them. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly kubecontext?: string;
  readonly namespace?: string;
  readonly verbose?: boolean;
}

const group = everyCommandGroup;

const clusterOptions: readonly (readonly [flags: string, about: string])[] = [
  ["--kubeconfig <file>", "kubeconfig to use (KUBECONFIG; default: ~/.kube/config)"],
  ["--kubecontext <name>", "context of the kubeconfig; its current one by default"],
  ["-n, --namespace <name>", "namespace of the server and its resources (VELERO_NAMESPACE; default: velero)"],
  ["-v, --verbose", "say more when something fails"],
];

/** velero's flags of every command that have nothing to change here. */
const withoutEffect = ["--features <list>", "--colorized <true|false>"];

export function addClusterOptions(command: Command): void {
  for (const [flags, about] of clusterOptions) command.addOption(new Option(flags, about).helpGroup(group));
  for (const flags of withoutEffect) command.addOption(new Option(flags, "accepted: of no effect").hideHelp());
}

/** The flags that were given, on the verb itself or on a command above it; the verb's own win. */
export function collectClusterFlags(verb: Command): ClusterFlags {
  const merged: Record<string, unknown> = {};
  for (let command: Command | null = verb; command !== null; command = command.parent) {
    for (const option of command.options) {
      const name = option.attributeName();
      const isGiven = option.helpGroupHeading === group && command.getOptionValueSource(name) === "cli";
      if (isGiven) merged[name] ??= command.getOptionValue(name);
    }
  }
  return merged;
}
