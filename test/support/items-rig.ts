// A cluster whose objects are backed up without a server around it: backUpItems on the real API server, and what the tarball
// holds afterwards.
import { readFileSync } from "node:fs";
import type { BackupSpec } from "../../src/api/backup.ts";
import type { Namespace } from "../../src/api/core.ts";
import { namespaces } from "../../src/api/resources.ts";
import { type Discovery, discoverResources } from "../../src/kube/discovery.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { chooseNamespaces } from "../../src/server/backup/choose-namespaces.ts";
import {
  type BackUpItemsOptions,
  backUpItems,
  type ItemsOutcome,
} from "../../src/server/backup/items/back-up-items.ts";
import { createTarball } from "../../src/server/tarball/tarball-writer.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { type RecordedRunLog, recordedRunLog } from "./recorded-run-log.ts";
import { type ReadEntry, readTarball } from "./tarballs.ts";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

export interface SavedItems extends ItemsOutcome {
  readonly log: RecordedRunLog;
  /** Paths below resources/ without the version's second places, in the tarball's order: "pods/shop/web". */
  readonly paths: readonly string[];
  readonly entries: ReadonlyMap<string, ReadEntry>;
  /** The saved object of such a path. */
  object<T>(path: string): T;
}

export class ItemsRig {
  readonly controlPlane: ControlPlane;
  readonly client: TypedClient;
  readonly scratchDirectory: string = makeTemporaryDirectory("items");

  constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
    this.client = new TypedClient({ connection: connectToCluster(controlPlane.adminKubeconfig) });
  }

  discover(): Promise<Discovery> {
    return discoverResources(this.client);
  }

  async make(path: string, object: object): Promise<void> {
    await this.controlPlane.must("POST", path, object);
  }

  async backUp(spec: BackupSpec, options: Partial<BackUpItemsOptions> = {}): Promise<SavedItems> {
    const log = recordedRunLog();
    const tarball = await createTarball(this.scratchDirectory);
    try {
      const existing = (await this.client.list<Namespace>(namespaces)).items;
      const outcome = await backUpItems({
        ...{ client: this.client, discovery: await this.discover(), spec, log, tarball },
        namespaces: chooseNamespaces(existing, spec).names,
        scratchDirectory: this.scratchDirectory,
        signal: AbortSignal.timeout(60_000),
        ...options,
      });
      const { path } = await tarball.finish();
      return savedItems(outcome, log, await readTarball(readFileSync(path)));
    } finally {
      await tarball.discard();
    }
  }

  async stop(): Promise<void> {
    removeDirectory(this.scratchDirectory);
    await this.controlPlane.stop();
  }
}

export async function startItemsRig(): Promise<ItemsRig> {
  return new ItemsRig(await startControlPlane());
}

function savedItems(outcome: ItemsOutcome, log: RecordedRunLog, entries: ReadonlyMap<string, ReadEntry>): SavedItems {
  const short = new Map<string, string>();
  for (const path of entries.keys()) {
    const match = /^resources\/([^/]+)\/(?:cluster|namespaces)\/(.+)\.json$/.exec(path);
    if (match !== null) short.set(`${match[1]}/${match[2]}`, path);
  }
  const object = <T>(path: string): T => JSON.parse(entries.get(short.get(path) ?? "")?.content ?? "null") as T;
  return { ...outcome, log, paths: [...short.keys()], entries, object };
}
