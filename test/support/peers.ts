// Paths of the real programs that tests run, and folders of Go modules that they read fixtures from. A program that is
// not built yet is built on first use (`npm run peers` and `npm test` build all of them beforehand).
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findPeer } from "../peers/build-peer.ts";
import { findDebianProgram } from "../peers/debian-packages.ts";
import { recipeOf } from "../peers/recipes.ts";

const peersFolder = join(import.meta.dirname, "..", "peers");

/** The first release that knows version 2 of the format, one from between, and the one that all other tests use. */
export const resticVersions = ["0.14.0", "0.17.3", "0.19.1"] as const;
export type ResticVersion = (typeof resticVersions)[number];

/** restic 0.19.1, or an older one. */
export function resticBinary(version: ResticVersion = "0.19.1"): string {
  return peerBinary(version === "0.19.1" ? "restic" : `restic-${version}`);
}

/** versitygw 1.8.0, an S3 server. */
export function versitygwBinary(): string {
  return peerBinary("versitygw");
}

/** kopia 0.22.3; only benchmarks run it. */
export function kopiaBinary(): string {
  return peerBinary("kopia");
}

/** etcd 3.6.8, or the one of KUBEBUILDER_ASSETS. */
export function etcdBinary(): string {
  return peerBinary("etcd");
}

/** kube-apiserver 1.34.4, or the one of KUBEBUILDER_ASSETS. */
export function kubeApiserverBinary(): string {
  return peerBinary("kube-apiserver");
}

/** kubectl 1.34.4, or the one of KUBEBUILDER_ASSETS. */
export function kubectlBinary(): string {
  return peerBinary("kubectl");
}

/** helm 3.20.2 */
export function helmBinary(): string {
  return peerBinary("helm");
}

/** kube-controller-manager 1.34.4, or the one of KUBEBUILDER_ASSETS. */
export function kubeControllerManagerBinary(): string {
  return peerBinary("kube-controller-manager");
}

/** kubelet 1.34.4. */
export function kubeletBinary(): string {
  return peerBinary("kubelet");
}

/** kube-scheduler 1.34.4. */
export function kubeSchedulerBinary(): string {
  return peerBinary("kube-scheduler");
}

/** A CSI driver whose volumes are folders of the node. */
export function csiFoldersBinary(): string {
  return peerBinary("csi-folders");
}

/** A kubelet that serves nothing but exec, of Kubernetes 1.34.4's code. */
export function execKubeletBinary(): string {
  return peerBinary("exec-kubelet");
}

/** Those whose resource definitions differ in what the agent writes. */
export const veleroVersions = ["1.14.0", "1.16.2", "1.18.0"] as const;
export type VeleroVersion = (typeof veleroVersions)[number];

/** Velero 1.16.2, client and server in one, or another release. */
export function veleroBinary(version: VeleroVersion = "1.16.2"): string {
  return peerBinary(version === "1.16.2" ? "velero" : `velero-${version}`);
}

/** The init container that Velero 1.16.2 puts into restored pods. */
export function veleroRestoreHelperBinary(): string {
  return peerBinary("velero-restore-helper");
}

/** The plugin with which that server reaches an S3 store. */
export function veleroObjectStoreBinary(): string {
  return peerBinary("velero-object-store");
}

/** Prometheus and promtool of Debian's package; the tier's runner has fetched it. */
export function prometheusBinary(program: "prometheus" | "promtool"): string {
  const path = findDebianProgram("prometheus", program);
  if (path === undefined) throw new Error(`${program} is not there: npm run peers -- prometheus fetches it`);
  return path;
}

/**
 * Folder of a Go module's files in Go's module cache (read only), fetched if it is not there.
 * @param version with its v, for example "v0.19.1"; some go.mod below test/peers must require exactly this version, so
 *   that a go.sum in the tree vouches for the bytes.
 */
export function goModuleDir(modulePath: string, version: string): string {
  const pin = pinningModules().find((folder) => {
    const lines = readFileSync(join(folder, "go.mod"), "utf8").split("\n");
    return lines.some((line) => line.replace(/^require|\/\/.*/g, "").trim() === `${modulePath} ${version}`);
  });
  if (pin === undefined) throw new Error(`no go.mod below test/peers requires ${modulePath} ${version}`);
  const answer = execFileSync("go", ["mod", "download", "-json", `${modulePath}@${version}`], {
    cwd: pin,
    encoding: "utf8",
  });
  return (JSON.parse(answer) as { Dir: string }).Dir;
}

function peerBinary(name: string): string {
  const recipe = recipeOf(name);
  const present = findPeer(recipe);
  if (present !== undefined) return present;
  const build = spawnSync(process.execPath, [join(peersFolder, "build.ts"), name], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const built = findPeer(recipe);
  if (built === undefined) throw new Error(`${name} could not be built (status ${build.status}); see the lines above`);
  return built;
}

function pinningModules(): string[] {
  const files = readdirSync(peersFolder, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith("go.mod")).map((file) => join(peersFolder, dirname(file)));
}
