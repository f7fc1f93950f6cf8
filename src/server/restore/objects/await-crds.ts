// After CRDs were restored: until the API server has accepted each and serves its kind, none of its objects can be created.
import { customResourceDefinitions } from "../../../api/resources.ts";
import type { Discovery } from "../../../kube/discovery.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import type { Clock } from "../../../platform/clock.ts";
import { objectsAt } from "./json-fields.ts";

const pollMs = 250;

export interface AwaitOptions {
  readonly client: TypedClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** @returns why it is not served in time; undefined when it is */
export async function awaitEstablished(name: string, options: AwaitOptions): Promise<string | undefined> {
  const { client, clock, signal, timeoutMs } = options;
  const start = clock.monotonicMs();
  for (;;) {
    const crd = await client.find(customResourceDefinitions, { name }, { signal });
    if (crd === undefined) return "it was deleted again";
    const conditions = objectsAt(crd, "status", "conditions");
    if (conditions.some(({ type, status }) => type === "Established" && status === "True")) return undefined;
    const refused = conditions.find(({ type, status }) => type === "NamesAccepted" && status === "False");
    if (refused !== undefined) return `the API server does not accept its names: ${String(refused.message)}`;
    if (clock.monotonicMs() - start >= timeoutMs) return `it is not established after ${timeoutMs / 1000} s`;
    await clock.sleep(pollMs, signal);
  }
}

/** Reads what is served until all these kinds are in it or the time is over. */
export async function discoverWith(
  groupResources: readonly string[],
  discover: (signal: AbortSignal) => Promise<Discovery>,
  { clock, signal, timeoutMs }: AwaitOptions,
): Promise<Discovery> {
  const start = clock.monotonicMs();
  for (;;) {
    const discovery = await discover(signal);
    const isComplete = groupResources.every((name) => discovery.find(name) !== undefined);
    if (isComplete || clock.monotonicMs() - start >= timeoutMs) return discovery;
    await clock.sleep(pollMs, signal);
  }
}
