// There is one default location: whoever becomes it takes it from the others.
import type { ClusterContext } from "../cluster-context.ts";
import { locationNoun } from "./location-noun.ts";

/** Called after the new default was written, so that there is always one. */
export async function unsetOtherDefaults(context: ClusterContext, name: string): Promise<void> {
  const { client, namespace, signal, output } = context;
  const { items } = await client.list(locationNoun.resource, { namespace, signal });
  for (const { metadata, spec } of items) {
    if (spec.default !== true || metadata.name === name) continue;
    const patch = { spec: { default: false } };
    await client.mergePatch(locationNoun.resource, context.address(metadata.name), patch, { signal });
    output.print(`Backup storage location ${metadata.name} is not the default any more.`);
  }
}
