// stowage version --server: asks the server of the cluster what it is, by a ServerStatusRequest, as velero does.
import type { Command } from "commander";
import type { ServerStatusRequest } from "../../api/requests.ts";
import { serverStatusRequests } from "../../api/resources.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { addClusterOptions, collectClusterFlags } from "./cluster-options.ts";
import { CommandError, SilentServerError } from "./command-error.ts";
import { durationMs, durationParser } from "./flag-values.ts";
import { followObject } from "./follow-object.ts";

/** A command that ends does not wait longer than this for an API server that is away. */
const tidyingMs = 3000;

export function addServerVersion(program: Command, context: ClusterContext): void {
  const command = program
    .command("version")
    .description("Print which version this is, and with --server which one the cluster's server is.")
    .option("--server", "ask the server of the cluster")
    .option("--timeout <duration>", "how long to wait for the server", durationParser("--timeout"), "5s")
    .action(async ({ timeout }: { readonly timeout: string }) => {
      const { serverVersion, plugins } = await askServer(context, durationMs(timeout));
      context.output.result(`server: ${serverVersion ?? "of unknown version"}, in namespace ${context.namespace}\n`);
      for (const { kind, name } of plugins ?? []) context.output.result(`  ${kind} ${name}\n`);
    });
  addClusterOptions(command);
  command.hook("preAction", (_, verb) => context.begin(collectClusterFlags(verb)));
}

async function askServer(
  context: ClusterContext,
  timeoutMs: number,
): Promise<NonNullable<ServerStatusRequest["status"]>> {
  const { client, namespace, signal } = context;
  const wanted = { metadata: { generateName: "stowage-cli-", namespace }, spec: {} };
  const { name } = (await client.create(serverStatusRequests, wanted, { signal })).metadata;
  try {
    const isDone = ({ status }: ServerStatusRequest): boolean => status?.phase === "Processed";
    const end = await followObject(context, { resource: serverStatusRequests, name, isDone, timeoutMs });
    if (end.as === "done") return end.object.status ?? {};
    if (end.as === "deleted") throw new CommandError("the request to the server was deleted", "ask again");
    throw new SilentServerError(
      `no server has answered within ${timeoutMs / 1000} s in namespace ${namespace}`,
      `see whether it runs: kubectl -n ${namespace} get deployments; --namespace names another one`,
    );
  } finally {
    // The server would do it after a minute; who has no right to does not matter.
    const limit = { signal: AbortSignal.timeout(tidyingMs) };
    await client.delete(serverStatusRequests, context.address(name), limit).catch(() => undefined);
  }
}
