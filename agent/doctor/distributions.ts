// Where the kubelets of known distributions keep their pods, and how a node gives its distribution away. The overlays in
// deploy/overlays are held against this table.

import type { Node } from "../../src/api/core.ts";

export interface Distribution {
  readonly name: string;
  /** `--root-dir` of its kubelet. */
  readonly kubeletRoot: string;
  /** Folder in deploy/overlays. */
  readonly overlay: string;
  readonly isOf: (signs: NodeSigns) => boolean;
}

interface NodeSigns {
  readonly labels: Readonly<Record<string, string>>;
  /** "v1.34.1+k3s1" */
  readonly kubeletVersion: string;
  /** "kind://docker/kind/kind-control-plane" */
  readonly providerId: string;
}

export const usualKubeletRoot = "/var/lib/kubelet";

export const distributions: readonly Distribution[] = [
  {
    name: "MicroK8s",
    kubeletRoot: "/var/snap/microk8s/common/var/lib/kubelet",
    overlay: "microk8s",
    isOf: ({ labels }) => "microk8s.io/cluster" in labels,
  },
  {
    name: "k0s",
    kubeletRoot: "/var/lib/k0s/kubelet",
    overlay: "k0s",
    isOf: ({ kubeletVersion }) => kubeletVersion.includes("+k0s"),
  },
  {
    name: "k3s",
    kubeletRoot: usualKubeletRoot,
    overlay: "k3s",
    isOf: ({ kubeletVersion }) => kubeletVersion.includes("+k3s"),
  },
  {
    name: "RKE2",
    kubeletRoot: usualKubeletRoot,
    overlay: "k3s",
    isOf: ({ kubeletVersion }) => kubeletVersion.includes("+rke2"),
  },
  {
    name: "OpenShift",
    kubeletRoot: usualKubeletRoot,
    overlay: "openshift",
    isOf: ({ labels }) => "node.openshift.io/os_id" in labels,
  },
  {
    name: "kind",
    kubeletRoot: usualKubeletRoot,
    overlay: "kind",
    isOf: ({ providerId }) => providerId.startsWith("kind://"),
  },
];

interface NodeWithSigns extends Node {
  readonly spec?: { readonly providerID?: string };
  readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } };
}

/** Undefined for a plain cluster, and for one that we do not know. */
export function distributionOf(node: Node): Distribution | undefined {
  const { metadata, spec, status } = node as NodeWithSigns;
  const signs = {
    labels: metadata.labels ?? {},
    kubeletVersion: status?.nodeInfo?.kubeletVersion ?? "",
    providerId: spec?.providerID ?? "",
  };
  return distributions.find((distribution) => distribution.isOf(signs));
}
