// Workloads for whole stories: a namespace with a Deployment whose volume is a claim, a StatefulSet-like pod with an emptyDir,
// configuration, a Service and an account with rights; and files in the volumes.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Volume } from "../../src/api/core.ts";
import { seededRandom } from "./seeded-random.ts";

/** Objects of the namespace, in an order in which they can be applied. */
export function demoWorkload(namespace: string): readonly object[] {
  const metadata = (name: string, rest: object = {}): object => ({ name, namespace, ...rest });
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels: { team: "demo" } } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: metadata("web") },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: metadata("reader"),
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: metadata("web-reads"),
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
      subjects: [{ kind: "ServiceAccount", name: "web", namespace }],
    },
    { apiVersion: "v1", kind: "ConfigMap", metadata: metadata("settings"), data: { greeting: "hello" } },
    { apiVersion: "v1", kind: "Secret", metadata: metadata("token"), stringData: { token: "not for everybody" } },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: metadata("notes"),
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: "played", resources: { requests: { storage: "1Gi" } } },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata("web"),
      spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
    },
    deployment(namespace, "web", [
      { name: "data", persistentVolumeClaim: { claimName: "notes" } },
      { name: "cache", emptyDir: {} },
    ]),
    deployment(namespace, "plain", [{ name: "files", emptyDir: {} }]),
  ];
}

function deployment(namespace: string, name: string, volumes: readonly Volume[]): object {
  const opted = volumes[0]?.name ?? "";
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations: { "backup.velero.io/backup-volumes": opted } },
        spec: {
          ...(name === "web" ? { serviceAccountName: "web" } : {}),
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: "app",
              image: "none",
              volumeMounts: volumes.map((one) => ({ name: one.name, mountPath: `/${one.name}` })),
            },
          ],
          volumes,
        },
      },
    },
  };
}

/** Some files of both kinds, in folders. */
export function fillVolume(path: string, seed: number, count = 40): void {
  const random = seededRandom(seed);
  for (let index = 0; index < count; index++) {
    const folder = join(path, `folder-${index % 5}`);
    mkdirSync(folder, { recursive: true });
    const size = random.integer(1, 20_000);
    const content = index % 2 === 0 ? random.bytes(size) : Buffer.alloc(size, `line ${index} of a text\n`);
    writeFileSync(join(folder, `file-${index}`), content);
  }
}
