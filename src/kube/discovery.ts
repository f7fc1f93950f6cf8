// Which resources the API server serves. Read anew by every run that asks, never remembered: a CRD that was made a moment
// ago must be seen. That costs two requests where the server aggregates (Kubernetes 1.26 and later).
import { messageOf } from "../platform/coded-error.ts";
import type { AnyKubeObject, ResourceDescriptor } from "./kube-object.ts";
import type { TypedClient } from "./typed-client.ts";

export interface DiscoveredResource extends ResourceDescriptor<AnyKubeObject> {
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly singular: string;
  /** The version in which to read this resource: the group's preferred one, or the first that has it. One a resource. */
  readonly isPreferred: boolean;
}

export interface Discovery {
  /** Without subresources; core first, then groups and versions in the API server's order of preference. */
  readonly resources: readonly DiscoveredResource[];
  /** Group versions that could not be read (an aggregated API whose server is away), with the reason. */
  readonly failures: readonly DiscoveryFailure[];
  /**
   * The preferred version of what a user may call a resource: "deployments", "deployments.apps", "deployment", "deploy",
   * "deployments.v1.apps"; case does not matter. When several groups have the name, core wins, then the API server's order,
   * as in kubectl.
   */
  find(name: string): DiscoveredResource | undefined;
  /** By group and kind; the preferred version when none is given. */
  ofKind(group: string, kind: string, version?: string): DiscoveredResource | undefined;
}

export interface DiscoveryFailure {
  /** "metrics.k8s.io/v1beta1". */
  readonly group: string;
  readonly reason: string;
}

/** "pods", "deployments.apps": the name under which resources lie in a tarball. */
export function groupResourceOf(resource: ResourceDescriptor<AnyKubeObject>): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** @throws KubeError when the lists of groups cannot be read; single groups that cannot are in `failures`. */
export async function discoverResources(
  client: Pick<TypedClient, "getPath">,
  signal?: AbortSignal,
): Promise<Discovery> {
  const core = await readRoot("/api", client, signal);
  const named = await readRoot("/apis", client, signal);
  return discoveryOf([...core.served, ...named.served], [...core.failures, ...named.failures]);
}

type Served = Omit<DiscoveredResource, "isPreferred">;

interface RootContent {
  readonly served: readonly Served[];
  readonly failures: readonly DiscoveryFailure[];
}

const aggregatedTypes: string = ["v2", "v2beta1"]
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(",");

/** One root in one request, or group by group where the API server is too old for that. */
async function readRoot(
  path: "/api" | "/apis",
  client: Pick<TypedClient, "getPath">,
  signal: AbortSignal | undefined,
): Promise<RootContent> {
  const answer = (await client.getPath(path, { signal, accept: `${aggregatedTypes},application/json` })) as RootAnswer;
  if (answer.kind === "APIGroupDiscoveryList") return aggregatedContent(answer.items ?? []);
  const versions = (answer.versions ?? []).map((version) => ({ group: "", version }));
  const groups = (answer.groups ?? []).flatMap(plainVersions);
  return await readVersions([...versions, ...groups], client, signal);
}

interface RootAnswer {
  readonly kind?: string;
  /** APIGroupDiscoveryList. */
  readonly items?: readonly AggregatedGroup[];
  /** APIVersions, under /api. */
  readonly versions?: readonly string[];
  /** APIGroupList, under /apis. */
  readonly groups?: readonly PlainGroup[];
}

interface AggregatedGroup {
  readonly metadata?: { readonly name?: string };
  readonly versions?: readonly {
    readonly version: string;
    readonly freshness?: string;
    readonly resources?: readonly {
      readonly resource: string;
      readonly responseKind?: { readonly kind?: string } | null;
      readonly scope: string;
      readonly singularResource?: string;
      readonly verbs?: readonly string[];
      readonly shortNames?: readonly string[];
    }[];
  }[];
}

function aggregatedContent(groups: readonly AggregatedGroup[]): RootContent {
  const served: Served[] = [];
  const failures: DiscoveryFailure[] = [];
  for (const { metadata, versions = [] } of groups) {
    const group = metadata?.name ?? "";
    for (const { version, freshness, resources = [] } of versions) {
      // What the API server remembers of a server that is away may be gone or changed: nobody can list it now.
      if (freshness === "Stale") {
        failures.push({ group: `${group}/${version}`, reason: "the API server that serves it does not answer" });
        continue;
      }
      for (const { resource, responseKind, scope, singularResource = "", verbs = [], shortNames = [] } of resources) {
        const kind = responseKind?.kind ?? "";
        const isNamespaced = scope === "Namespaced";
        served.push({
          group,
          version,
          plural: resource,
          kind,
          isNamespaced,
          verbs,
          shortNames,
          singular: singularResource,
        });
      }
    }
  }
  return { served, failures };
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

interface PlainGroup {
  readonly name: string;
  readonly versions?: readonly { readonly version: string }[];
  readonly preferredVersion?: { readonly version: string };
}

/** The preferred version first. */
function plainVersions({ name, versions = [], preferredVersion }: PlainGroup): readonly GroupVersion[] {
  const isPreferred = (version: string): boolean => version === preferredVersion?.version;
  const all = versions.map(({ version }) => version);
  const sorted = [...all.filter(isPreferred), ...all.filter((version) => !isPreferred(version))];
  return sorted.map((version) => ({ group: name, version }));
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly singularName?: string;
    readonly namespaced: boolean;
    readonly kind: string;
    readonly verbs?: readonly string[];
    readonly shortNames?: readonly string[];
  }[];
}

async function readVersions(
  versions: readonly GroupVersion[],
  client: Pick<TypedClient, "getPath">,
  signal: AbortSignal | undefined,
): Promise<RootContent> {
  const served: Served[] = [];
  const failures: DiscoveryFailure[] = [];
  for (const { group, version } of versions) {
    try {
      const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
      const { resources = [] } = (await client.getPath(path, { signal })) as ResourceList;
      for (const { name, singularName = "", namespaced, kind, verbs = [], shortNames = [] } of resources) {
        if (name.includes("/")) continue;
        const names = { plural: name, kind, singular: singularName, shortNames };
        served.push({ group, version, ...names, isNamespaced: namespaced, verbs });
      }
    } catch (error) {
      signal?.throwIfAborted();
      failures.push({ group: group === "" ? version : `${group}/${version}`, reason: messageOf(error) });
    }
  }
  return { served, failures };
}

function discoveryOf(served: readonly Served[], failures: readonly DiscoveryFailure[]): Discovery {
  const seen = new Set<string>();
  const resources = served.map((resource): DiscoveredResource => {
    const name = groupResourceOf(resource);
    const isPreferred = !seen.has(name);
    seen.add(name);
    return { ...resource, isPreferred };
  });
  return {
    resources,
    failures,
    find: (name) => findByName(resources, name.toLowerCase()),
    ofKind: (group, kind, version) =>
      resources.find(
        (one) =>
          one.group === group &&
          one.kind === kind &&
          (version === undefined ? one.isPreferred : one.version === version),
      ),
  };
}

/** Full names win over short ones, whatever the order of the groups. */
function findByName(resources: readonly DiscoveredResource[], name: string): DiscoveredResource | undefined {
  const [word = "", ...rest] = name.split(".");
  const group = rest.join(".");
  const [version, ...groupAfterVersion] = rest;
  const isWanted = (one: DiscoveredResource): boolean => {
    if (rest.length === 0) return one.isPreferred;
    if (one.group === group) return one.isPreferred;
    return one.version === version && one.group === groupAfterVersion.join(".");
  };
  const candidates = resources.filter(isWanted);
  return (
    candidates.find(({ plural, singular }) => plural === word || singular === word) ??
    candidates.find(({ kind, shortNames }) => kind.toLowerCase() === word || shortNames.includes(word))
  );
}
