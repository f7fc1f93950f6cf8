// What saving objects costs by itself: a process that does nothing else, so that its memory is that of the work.
// `node bench/control-plane/items-process.ts KUBECONFIG SCRATCH`, prints one line of JSON.
import type { Namespace } from "../../src/api/core.ts";
import { namespaces } from "../../src/api/resources.ts";
import { discoverResources } from "../../src/kube/discovery.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { chooseNamespaces } from "../../src/server/backup/choose-namespaces.ts";
import { backUpItems } from "../../src/server/backup/items/back-up-items.ts";
import { createTarball } from "../../src/server/tarball/tarball-writer.ts";
import { recordedRunLog } from "../../test/support/recorded-run-log.ts";
import { usageOf } from "../pipeline/process-usage.ts";

export interface ItemsMeasure {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
  /** Resident before the first request. */
  readonly idleMib: number;
  readonly objects: number;
  readonly tarballBytes: number;
}

const [kubeconfig, scratchDirectory = ""] = process.argv.slice(2);
const { signal } = new AbortController();
const client = new TypedClient({ connection: connectToCluster(kubeconfig) });
const log = recordedRunLog();
const idleMib = usageOf(process.pid).peakMib;
const begun = performance.now();
const tarball = await createTarball(scratchDirectory);
const existing = (await client.list<Namespace>(namespaces, { signal })).items;
const { progress } = await backUpItems({
  ...{ client, discovery: await discoverResources(client, signal), spec: {}, scratchDirectory, log, tarball, signal },
  namespaces: chooseNamespaces(existing, {}).names,
});
const { sizeBytes } = await tarball.finish();
const seconds = (performance.now() - begun) / 1000;
await tarball.discard();
if (log.errorCount > 0) throw new Error(log.errors.join("\n"));
const { cpuSeconds, peakMib } = usageOf(process.pid);
const measure: ItemsMeasure = {
  ...{ seconds, cpuSeconds, peakMib, idleMib },
  ...{ objects: progress.itemsBackedUp, tarballBytes: sizeBytes },
};
process.stdout.write(`${JSON.stringify(measure)}\n`);
