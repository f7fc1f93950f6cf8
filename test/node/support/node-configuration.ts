// What the programs of the node are told: credentials of the control plane, and the files of containerd, of its network
// and of the kubelet.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../../support/certificates.ts";
import { pauseImage } from "./images.ts";
import { type NodeAddresses, serviceAddress } from "./namespaces.ts";

export const nodeName = "stowage-node";

export interface NodeFiles {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly tokenFile: string;
  readonly accountKeyFile: string;
  /** Of group system:masters. */
  readonly adminKubeconfig: string;
  /** Of the node itself: the API server grants it what a kubelet may. */
  readonly kubeletKubeconfig: string;
  readonly containerdConfig: string;
  readonly kubeletConfig: string;
}

export interface NodeFilesOptions {
  /** Stays when the node is down. */
  readonly state: string;
  readonly addresses: NodeAddresses;
  readonly cgroup: string;
}

export const containerdSocket = "/run/containerd/containerd.sock";

export function writeNodeFiles({ state, addresses, cgroup }: NodeFilesOptions): NodeFiles {
  mkdirSync(join(state, "cni"));
  const write = (name: string, content: string | object): string => {
    const path = join(state, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, undefined, 2), { mode: 0o600 });
    return path;
  };
  const authority = createAuthority("stowage test node");
  const names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  const serving = authority.issue("kube-apiserver", names, ["127.0.0.1", addresses.node, serviceAddress]);
  const accountKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const [adminToken, kubeletToken] = [randomBytes(16).toString("hex"), randomBytes(16).toString("hex")];
  const kubeconfig = (user: string, token: string): string =>
    write(`${user}.kubeconfig`, kubeconfigContent(`https://${addresses.node}`, authority.certificatePem, token));
  write("cni/10-bridge.conflist", networkOf(addresses));
  // No cluster DNS: pods get an empty list of servers.
  const resolvConf = write("resolv.conf", "");
  return {
    caFile: write("ca.pem", authority.certificatePem),
    certificateFile: write("server.pem", serving.certificatePem),
    keyFile: write("server.key", serving.privateKeyPem),
    tokenFile: write(
      "tokens.csv",
      `${adminToken},admin,admin,system:masters\n${kubeletToken},system:node:${nodeName},node,system:nodes\n`,
    ),
    accountKeyFile: write("accounts.key", accountKey.export({ type: "sec1", format: "pem" }) as string),
    adminKubeconfig: kubeconfig("admin", adminToken),
    kubeletKubeconfig: kubeconfig("kubelet", kubeletToken),
    containerdConfig: write("containerd.toml", containerdConfig(state)),
    kubeletConfig: write("kubelet.json", kubeletConfig(cgroup, resolvConf)),
  };
}

function kubeconfigContent(server: string, ca: string, token: string): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "node", cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: "user", user: { token } }],
    contexts: [{ name: "node", context: { cluster: "node", user: "user" } }],
    "current-context": "node",
  };
}

/** Pods are on the bridge to which this machine's end of the pair of devices leads too. */
function networkOf({ prefix, node }: NodeAddresses): object {
  const range = { subnet: `${prefix}.0/24`, rangeStart: `${prefix}.10`, rangeEnd: `${prefix}.250`, gateway: node };
  const ipam = { type: "host-local", ranges: [[range]], routes: [{ dst: "0.0.0.0/0" }] };
  return { cniVersion: "0.4.0", name: "bridge", plugins: [{ type: "bridge", bridge: "cni0", ipam }] };
}

function containerdConfig(state: string): string {
  return `version = 2
root = ${JSON.stringify(join(state, "containerd"))}
state = "/run/containerd"
[grpc]
  address = ${JSON.stringify(containerdSocket)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${JSON.stringify(pauseImage)}
  # Without CAP_SYS_RESOURCE nobody may ask for a lower score than its own.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = ${JSON.stringify(join(state, "cni"))}
`;
}

function kubeletConfig(cgroup: string, resolvConf: string): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    // Only this machine reaches the node, and the API server asks its own callers who they are.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${cgroup}`,
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    resolvConf,
    // A test's machine may be full; that is no reason to evict the test.
    evictionHard: { "memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%" },
    imageGCHighThresholdPercent: 100,
    // Changes are seen at once; this is for what is not.
    syncFrequency: "5s",
    nodeStatusUpdateFrequency: "4s",
  };
}
