// What an API server would say that it serves, for tests of pure decisions.
import { type Discovery, discoverResources } from "../../src/kube/discovery.ts";

const verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];

/** Short names of a few, as the real ones have. */
const shortNames: Readonly<Record<string, readonly string[]>> = {
  persistentvolumes: ["pv"],
  persistentvolumeclaims: ["pvc"],
  deployments: ["deploy"],
};

/**
 * @param kinds "v1 pods Pod", "apps/v1 deployments Deployment"; a cluster-scoped kind has " cluster" at its end, one that can
 * only be listed " read-only". In the API server's order, the preferred version first.
 */
export async function fakeDiscovery(kinds: readonly string[]): Promise<Discovery> {
  const answers = new Map<string, { resources: object[] }>();
  for (const kind of kinds) {
    const [groupVersion = "", name = "", kindName = "", ...facts] = kind.split(" ");
    const path = groupVersion.includes("/") ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
    const list = answers.get(path) ?? { resources: [] };
    answers.set(path, list);
    const names = { name, singularName: kindName.toLowerCase(), kind: kindName, shortNames: shortNames[name] ?? [] };
    const isReadOnly = facts.includes("read-only");
    list.resources.push({ ...names, namespaced: !facts.includes("cluster"), verbs: isReadOnly ? ["list"] : verbs });
  }
  const groupVersions = [...answers.keys()].filter((path) => path.startsWith("/apis/")).map((path) => path.slice(6));
  const groups = [...Map.groupBy(groupVersions, (path) => path.split("/")[0])].map(([name, paths]) => {
    const versions = paths.map((path) => ({ version: path.split("/")[1] }));
    return { name, versions, preferredVersion: versions[0] };
  });
  return await discoverResources({
    getPath: (path) =>
      Promise.resolve(path === "/api" ? { versions: ["v1"] } : path === "/apis" ? { groups } : answers.get(path)),
  });
}
