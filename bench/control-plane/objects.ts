// Objects as a busy cluster has them, from a seed: the same ones for every program that backs them up.
import type { KubeObject, Resource } from "../../src/api/kube-object.ts";
import { configMaps, namespaces, persistentVolumeClaims, pods, secrets } from "../../src/api/resources.ts";
import type { TypedClient } from "../../src/kube/typed-client.ts";
import { workThrough } from "../../src/server/backup/items/work-through.ts";
import { type SeededRandom, seededRandom } from "../../test/support/seeded-random.ts";

export interface PlannedObject {
  readonly resource: Resource<KubeObject>;
  readonly object: KubeObject;
}

function resource(groupVersion: string, kind: string, plural: string): Resource<KubeObject> {
  const [group = "", version = ""] = groupVersion.includes("/") ? groupVersion.split("/") : ["", groupVersion];
  return { group, version, kind, plural, isNamespaced: true };
}

const template = {
  metadata: { labels: { app: "bench" } },
  spec: { containers: [{ name: "app", image: "registry.example.com/app:1.0.0" }], terminationGracePeriodSeconds: 0 },
};
const selector = { matchLabels: { app: "bench" } };

interface Share {
  readonly resource: Resource<KubeObject>;
  /** Of a hundred objects. */
  readonly percent: number;
  readonly content: (random: SeededRandom) => object;
}

const shares: readonly Share[] = [
  { resource: configMaps, percent: 28, content: (random) => ({ data: { settings: textOf(random, 200, 6000) } }) },
  { resource: secrets, percent: 20, content: (random) => ({ stringData: { value: textOf(random, 100, 9000) } }) },
  { resource: pods, percent: 15, content: () => ({ spec: template.spec }) },
  {
    resource: resource("apps/v1", "ReplicaSet", "replicasets"),
    percent: 12,
    content: () => ({ spec: { replicas: 1, selector, template } }),
  },
  {
    resource: resource("apps/v1", "Deployment", "deployments"),
    percent: 8,
    content: () => ({ spec: { replicas: 1, selector, template } }),
  },
  {
    resource: resource("v1", "Service", "services"),
    percent: 7,
    content: () => ({ spec: { clusterIP: "None", selector: selector.matchLabels, ports: [{ port: 80 }] } }),
  },
  { resource: resource("v1", "ServiceAccount", "serviceaccounts"), percent: 5, content: () => ({}) },
  {
    resource: resource("rbac.authorization.k8s.io/v1", "Role", "roles"),
    percent: 3,
    content: () => ({ rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }] }),
  },
  {
    resource: persistentVolumeClaims,
    percent: 2,
    content: () => ({ spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }),
  },
];

export function namespaceNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `bench-${String(index).padStart(3, "0")}`);
}

/** @param count in all, evenly over the namespaces; the namespaces themselves come on top. */
export function planObjects(count: number, inNamespaces: readonly string[], seed = "objects"): PlannedObject[] {
  const random = seededRandom(seed);
  const kinds = shares.flatMap((share) => Array.from({ length: share.percent }, () => share));
  return Array.from({ length: count }, (_, index) => {
    const share = kinds[Math.floor(index / inNamespaces.length) % kinds.length] as Share;
    const namespace = inNamespaces[index % inNamespaces.length] as string;
    const labels = { app: "bench", part: `part-${random.integer(1, 9)}` };
    const metadata = { namespace, name: `${share.resource.plural}-${index}`, labels };
    return { resource: share.resource, object: { metadata, ...share.content(random) } };
  });
}

const requestsAtOnce = 16;

export async function makeObjects(
  client: TypedClient,
  planned: readonly PlannedObject[],
  signal: AbortSignal,
): Promise<void> {
  const names = [...new Set(planned.map(({ object }) => object.metadata.namespace ?? ""))];
  for (const name of names) await client.create(namespaces, { metadata: { name } }, { signal });
  await workThrough(planned, { atOnce: requestsAtOnce, signal }, async ({ resource: kind, object }) => {
    await client.create(kind, object, { signal });
  });
}

/** Words of no meaning, which compress about as well as settings do. */
function textOf(random: SeededRandom, least: number, most: number): string {
  const length = random.integer(least, most);
  const words: string[] = [];
  for (let size = 0; size < length; size += 9) words.push(random.integer(0, 99_999_999).toString(36).padStart(8, "x"));
  return words.join(" ").slice(0, length);
}
