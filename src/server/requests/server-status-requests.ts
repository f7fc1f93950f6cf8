// Answers ServerStatusRequests: who is the server, and what can it do? They are removed a minute later.
import { serverStatusRequests } from "../../api/resources.ts";
import type { Reconcile } from "../../kube/controller.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { serverVersion } from "../program-version.ts";
import type { ServerContext } from "../server-context.ts";

export interface ServerStatusContext extends Pick<ServerContext, "clock"> {
  readonly client: Pick<ServerContext["client"], "find" | "mergePatch" | "delete">;
}

const keptMs = 60_000;

/** The stores that are built in, as Velero names plugins. */
const plugins = [
  { kind: "ObjectStore", name: "stowage.dev/local" },
  { kind: "ObjectStore", name: "velero.io/aws" },
];

/** The reconcile function of the server-status-request controller. */
export function serverStatusReconciler({ client, clock }: ServerStatusContext): Reconcile {
  return async (key, signal) => {
    const address = splitKey(key);
    const request = await client.find(serverStatusRequests, address, { signal });
    if (request === undefined || request.metadata.deletionTimestamp !== undefined) return {};
    const processedMs = parseTimestamp(request.status?.processedTimestamp);
    if (request.status?.phase !== "Processed" || processedMs === undefined) {
      const processedTimestamp = formatTimestamp(clock.now());
      const status = { phase: "Processed", processedTimestamp, serverVersion, plugins };
      await client.mergePatch(serverStatusRequests, address, { status }, { signal });
      return { requeueAfterMs: keptMs };
    }
    const leftMs = processedMs + keptMs - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await client.delete(serverStatusRequests, address, { signal });
    return {};
  };
}
