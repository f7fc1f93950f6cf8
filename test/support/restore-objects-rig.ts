// Restores objects on the real control plane with exactly the rights of the server's manifests. The Backup is made of objects
// as the API server gave them back, so it holds what a real one holds; its tarball is a map in memory.
import { join } from "node:path";
import type { Backup } from "../../src/api/backup.ts";
import type { Pod } from "../../src/api/core.ts";
import type { KubeObject } from "../../src/api/kube-object.ts";
import type { Restore, RestoreSpec } from "../../src/api/restore.ts";
import { discoverResources, groupResourceOf } from "../../src/kube/discovery.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { TypedClient } from "../../src/kube/typed-client.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { createLogger } from "../../src/platform/logger.ts";
import type { BackupContents } from "../../src/server/restore/objects/backup-contents.ts";
import { restoreObjects } from "../../src/server/restore/objects/restore-objects.ts";
import type {
  RestoreObjectsOptions,
  RestoreObjectsOutcome,
} from "../../src/server/restore/objects/restore-objects-options.ts";
import { readRestoreRules } from "../../src/server/restore/objects/restore-rules.ts";
import { createRunLog } from "../../src/server/run-log/create-run-log.ts";
import type { RunResults } from "../../src/server/run-log/run-log.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { MemoryContents } from "./memory-contents.ts";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

const rbac = join(import.meta.dirname, "..", "..", "manifests", "rbac");

export type AnyObject = KubeObject & { readonly [field: string]: unknown };

export interface RestoreWish {
  readonly spec?: RestoreSpec;
  /** "r1" when absent. */
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** When the Restore was made; now when absent. */
  readonly createdAt?: Date;
  readonly options?: Partial<RestoreObjectsOptions>;
}

export interface RestoreRun extends RestoreObjectsOutcome {
  readonly results: RunResults;
  /** Told to onPodRestored, as "ns/name". */
  readonly pods: readonly string[];
}

export async function startRestoreObjectsRig(): Promise<RestoreObjectsRig> {
  const controlPlane = await startControlPlane();
  try {
    const kubectl = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await controlPlane.kubectl(args);
      if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    };
    await kubectl("create", "namespace", "velero");
    await kubectl("apply", "--server-side", "-f", rbac);
    const kubeconfig = await controlPlane.serviceAccountKubeconfig("velero", "stowage-server");
    return new RestoreObjectsRig(controlPlane, new TypedClient({ connection: connectToCluster(kubeconfig) }));
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

export class RestoreObjectsRig {
  readonly controlPlane: ControlPlane;
  /** With the server's rights. */
  readonly client: TypedClient;
  readonly #admin: TypedClient;
  readonly #folder: string = makeTemporaryDirectory("restore-objects");

  constructor(controlPlane: ControlPlane, client: TypedClient) {
    this.controlPlane = controlPlane;
    this.client = client;
    this.#admin = new TypedClient({ connection: connectToCluster(controlPlane.adminKubeconfig) });
  }

  /** Creates it in the cluster, as administrator. */
  async make(path: string, object: object): Promise<AnyObject> {
    return (await this.controlPlane.must("POST", path, object)) as AnyObject;
  }

  async patch(path: string, patch: object): Promise<AnyObject> {
    return (await this.controlPlane.must("PATCH", path, patch, "application/merge-patch+json")) as AnyObject;
  }

  /** Undefined when it is not there. */
  async find(path: string): Promise<AnyObject | undefined> {
    const { status, body } = await this.controlPlane.call("GET", path);
    return status === 200 ? (body as AnyObject) : undefined;
  }

  async get(path: string): Promise<AnyObject> {
    return (await this.controlPlane.must("GET", path)) as AnyObject;
  }

  async makeNamespace(name: string, metadata: object = {}): Promise<void> {
    await this.make("/api/v1/namespaces", { metadata: { name, ...metadata } });
  }

  /** Everything of a namespace except what its own controllers keep, and the namespace itself. */
  async backUp(...namespaces: readonly string[]): Promise<MemoryContents> {
    const contents = new MemoryContents();
    const discovery = await discoverResources(this.#admin);
    for (const name of namespaces) contents.add("namespaces", await this.get(`/api/v1/namespaces/${name}`));
    for (const resource of discovery.resources) {
      if (!resource.isPreferred || !resource.isNamespaced || !resource.verbs.includes("create")) continue;
      if (!resource.verbs.includes("list") || resource.plural === "events") continue;
      for (const namespace of namespaces) {
        const { items } = await this.#admin.list(resource, { namespace });
        const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
        for (const item of items) {
          contents.add(groupResourceOf(resource), { ...(item as KubeObject), apiVersion, kind: resource.kind });
        }
      }
    }
    return contents;
  }

  /** As after a disaster: there is no namespace controller here that would do it. */
  async lose(contents: BackupContents, ...namespaces: readonly string[]): Promise<void> {
    const discovery = await discoverResources(this.#admin);
    for (const kind of contents.groupResources) {
      const resource = discovery.find(kind);
      if (resource === undefined || kind === "namespaces") continue;
      for (const address of contents.addresses(kind)) {
        await this.#admin.mergePatch(resource, address, { metadata: { finalizers: null } }).catch(() => undefined);
        await this.#admin.delete(resource, address, { gracePeriodSeconds: 0 });
      }
    }
    for (const name of namespaces) await this.loseNamespace(name);
  }

  async loseNamespace(name: string): Promise<void> {
    const path = `/api/v1/namespaces/${name}`;
    await this.controlPlane.must("DELETE", path);
    await this.controlPlane.must("PUT", `${path}/finalize`, { metadata: { name }, spec: { finalizers: [] } });
  }

  async restore(contents: BackupContents, wish: RestoreWish = {}): Promise<RestoreRun> {
    const createdAt = wish.createdAt ?? new Date();
    const restore: Restore = {
      metadata: {
        name: wish.name ?? "r1",
        namespace: "velero",
        // Whole seconds, as the API server writes it.
        creationTimestamp: `${createdAt.toISOString().slice(0, 19)}Z`,
        ...(wish.annotations === undefined ? {} : { annotations: wish.annotations }),
      },
      spec: { backupName: "b1", ...wish.spec },
    };
    const backup: Backup = { metadata: { name: "b1", namespace: "velero" }, spec: {} };
    const { signal } = new AbortController();
    const silent = createLogger({ level: "error", format: "text", write: () => undefined });
    const log = await createRunLog({
      ...{ scratchDirectory: this.#folder, log: silent, redact: (text: string) => text, facts: {} },
    });
    const rules = await readRestoreRules({ client: this.client, namespace: "velero", restore, signal });
    if (rules.problems.length > 0) throw new Error(rules.problems.join("; "));
    const pods: string[] = [];
    const outcome = await restoreObjects({
      ...{ client: this.client, contents, restore, backup, rules, log, signal, clock: systemClock },
      discover: (stop) => discoverResources(this.client, stop),
      volumes: { volumeInfo: undefined, podVolumeBackups: [] },
      clusterRbacAndWebhooks: "true",
      terminatingTimeoutMs: 0,
      transformPod: (pod: Pod) => Promise.resolve(pod),
      onPodRestored: ({ metadata }) => Promise.resolve(void pods.push(`${metadata.namespace}/${metadata.name}`)),
      onProgress: () => undefined,
      ...wish.options,
    });
    const { results } = log;
    await log.discard();
    return { ...outcome, results, pods };
  }

  async stop(): Promise<void> {
    removeDirectory(this.#folder);
    await this.controlPlane.stop();
  }
}
