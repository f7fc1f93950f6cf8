// The real programs that the tests, the quickstart and the benchmarks stand on, and how each is built. Every one is a Go
// program whose version is pinned by the go.mod and go.sum of a folder beside this file.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface PeerRecipe {
  /** Name of the program and of its file in the cache. */
  readonly name: string;
  /** Folder beside this file that holds the wrapper module. */
  readonly module: string;
  /** Import path of the main package. */
  readonly mainPackage: string;
  /** Variables that the upstream release build stamps: import path and name → value. */
  readonly stamps: Readonly<Record<string, string>>;
  /** True where a folder named by KUBEBUILDER_ASSETS may bring the program ready made. */
  readonly inKubebuilderAssets: boolean;
  /** Go build tags. */
  readonly tags?: readonly string[];
  /** The wrapper module has a main.go of ours. */
  readonly ownMain?: boolean;
  /** Built when a tier on demand or a benchmark asks for it; everybody else can do without. */
  readonly isOnDemand?: boolean;
  /** Set where the module has to be the main one, because its go.sum vouches for modules that it replaces. */
  readonly ownModule?: OwnModule;
}

/** A module that is copied out of Go's module cache and built there. The wrapper's go.sum vouches for the copy. */
export interface OwnModule {
  readonly path: string;
  readonly version: string;
  /** Folder beside the wrapper's go.mod with a main package of ours, put into the copy as `cmd/<name>`. */
  readonly overlay?: string;
}

/** Without these stamps the programs call themselves v0.0.0 and kubectl warns about version skew. */
const kubernetesStamps: Record<string, string> = {
  "k8s.io/component-base/version.gitVersion": "v1.34.4",
  "k8s.io/component-base/version.gitMajor": "1",
  "k8s.io/component-base/version.gitMinor": "34",
  "k8s.io/component-base/version.gitTreeState": "clean",
  "k8s.io/client-go/pkg/version.gitVersion": "v1.34.4",
};

/** Its own version, and that of the Kubernetes that charts are rendered for without a cluster, else v1.20. */
const helmStamps: Record<string, string> = {
  "helm.sh/helm/v3/internal/version.version": "v3.20.2",
  "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": "1",
  "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": "34",
};

const resticPackage = "github.com/restic/restic/cmd/restic";

/** In the order in which they are built: quick ones first. */
export const peerRecipes: readonly PeerRecipe[] = [
  goProgram("restic", "restic", resticPackage),
  goProgram("restic-0.14.0", "restic-0.14.0", resticPackage),
  goProgram("restic-0.17.3", "restic-0.17.3", resticPackage),
  goProgram("versitygw", "versitygw", "github.com/versity/versitygw/cmd/versitygw"),
  { ...goProgram("etcd", "etcd", "go.etcd.io/etcd/server/v3"), inKubebuilderAssets: true },
  kubernetesProgram("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
  kubernetesProgram("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
  kubernetesProgram(
    "kube-controller-manager",
    "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-controller-manager",
  ),
  onDemand(kubernetesProgram("kubelet", "k8s.io/kubernetes/cmd/kubelet", "kubelet")),
  onDemand(kubernetesProgram("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler", "kubelet")),
  // Ours: a CSI driver whose volumes are folders.
  { ...goProgram("csi-folders", "csi-folders", "."), ownMain: true, isOnDemand: true },
  // Ours, around the code of kubelets.
  { ...goProgram("exec-kubelet", "exec-kubelet", "."), ownMain: true },
  { ...goProgram("helm", "helm", "helm.sh/helm/v3/cmd/helm"), stamps: helmStamps },
  // Without the web interface, which is most of the build.
  { ...goProgram("kopia", "kopia", "github.com/kopia/kopia"), tags: ["nohtmlui"], isOnDemand: true },
  veleroProgram("velero"),
  veleroProgram("velero-restore-helper"),
  // Its plugin for S3 stores, ours: the AWS plugin is a module of its own.
  veleroProgram("velero-object-store", { overlay: "velero-object-store" }),
  // The first and the newest release whose resource definitions the agent is tried on.
  veleroProgram("velero-1.14.0", { version: "v1.14.0", module: "velero-crds/v1.14.0", command: "velero" }),
  veleroProgram("velero-1.18.0", { version: "v1.18.0", module: "velero-crds/v1.18.0", command: "velero" }),
];

/** @throws when no program has this name; the message lists those there are. */
export function recipeOf(name: string): PeerRecipe {
  const recipe = peerRecipes.find((candidate) => candidate.name === name);
  if (recipe === undefined) {
    throw new Error(`no peer is called "${name}"; there are ${peerRecipes.map((peer) => peer.name).join(", ")}`);
  }
  return recipe;
}

/** Folder of a wrapper module, absolute. */
export function moduleFolder(recipe: PeerRecipe): string {
  return join(import.meta.dirname, recipe.module);
}

/**
 * Where the built program lies. The folder is named by what decides the bytes of the program (its pins, its stamps, the
 * platform), so another checkout with the same pins shares it and a changed pin never meets an old program.
 */
export function cachedProgram(recipe: PeerRecipe): string {
  const hash = createHash("sha256");
  const overlay = recipe.ownModule?.overlay;
  const sources = recipe.ownMain === true ? ["main.go"] : overlay === undefined ? [] : [join(overlay, "main.go")];
  for (const file of ["go.mod", "go.sum", ...sources]) {
    hash.update(readFileSync(join(moduleFolder(recipe), file)));
  }
  const { stamps, tags = [] } = recipe;
  hash.update(JSON.stringify([stamps, process.platform, process.arch, ...tags]));
  return join(peerCacheFolder(), hash.digest("hex").slice(0, 16), recipe.name);
}

/** XDG base directory specification: $XDG_CACHE_HOME when it is an absolute path, else ~/.cache. */
export function peerCacheFolder(): string {
  const configured = process.env.XDG_CACHE_HOME ?? "";
  return join(configured.startsWith("/") ? configured : join(homedir(), ".cache"), "stowage", "peers");
}

function goProgram(name: string, module: string, mainPackage: string): PeerRecipe {
  return { name, module, mainPackage, stamps: {}, inKubebuilderAssets: false };
}

function kubernetesProgram(name: string, mainPackage: string, module = "kubernetes"): PeerRecipe {
  return { ...goProgram(name, module, mainPackage), stamps: kubernetesStamps, inKubebuilderAssets: true };
}

function onDemand(recipe: PeerRecipe): PeerRecipe {
  // KUBEBUILDER_ASSETS brings what a control plane needs, not what a node needs.
  return { ...recipe, isOnDemand: true, inKubebuilderAssets: false };
}

interface VeleroParts {
  readonly version?: string;
  readonly module?: string;
  /** Its main package below cmd; the program's name when absent. */
  readonly command?: string;
  readonly overlay?: string;
}

function veleroProgram(
  name: string,
  { version = "v1.16.2", module = "velero", ...parts }: VeleroParts = {},
): PeerRecipe {
  const path = "github.com/vmware-tanzu/velero";
  return {
    ...goProgram(name, module, `./cmd/${parts.command ?? name}`),
    stamps: {
      [`${path}/pkg/buildinfo.Version`]: version,
      // Server and node-agent would both take port 8080 for metrics that nobody has asked for.
      "sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress": "0",
    },
    isOnDemand: true,
    ownModule: { path, version, ...(parts.overlay === undefined ? {} : { overlay: parts.overlay }) },
  };
}
