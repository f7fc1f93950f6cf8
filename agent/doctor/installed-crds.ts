// Which CRDs are installed, and whose? Velero's of 1.14, 1.16 and 1.18 differ, and what they cannot hold is kept elsewhere.

import { podVolumeBackups, podVolumeRestores } from "../../src/api/resources.ts";
import { CrdLookup, type InstalledCrd } from "../../src/kube/crd-lookup.ts";
import { KubeError } from "../../src/kube/kube-errors.ts";
import type { AnyKubeObject, ResourceDescriptor } from "../../src/kube/kube-object.ts";
import { type Check, type Finding, failed, ok, type Patient, stopsWork, warning } from "./finding.ts";

export const installedCrds: Check = { name: "crds", from: "everywhere", run: lookAtCrds };

const needed = ["podvolumebackups", "podvolumerestores", "backuprepositories", "backupstoragelocations"];

async function lookAtCrds({ client }: Patient, signal: AbortSignal): Promise<readonly Finding[]> {
  const served = await servedKinds(client, signal);
  const missing = needed.filter((plural) => !served.has(plural));
  if (missing.length > 0) {
    const message = `the cluster does not serve ${missing.map((one) => `${one}.velero.io/v1`).join(", ")}`;
    return [stopsWork(message, "kubectl apply --server-side -f manifests/crds, or install Velero's CRDs")];
  }
  const crds = new CrdLookup({ client });
  return await Promise.all(
    [podVolumeBackups, podVolumeRestores].map(async (resource) => ({
      ...judge(resource, await crds.find(resource, signal)),
      subject: resource.plural,
    })),
  );
}

async function servedKinds(client: Patient["client"], signal: AbortSignal): Promise<ReadonlySet<string>> {
  try {
    const answer = (await client.getPath("/apis/velero.io/v1", { signal })) as ResourceList;
    return new Set((answer.resources ?? []).map(({ name }) => name));
  } catch (error) {
    if (KubeError.is(error, "not-found") || KubeError.is(error, "no-such-resource")) return new Set();
    throw error;
  }
}

interface ResourceList {
  readonly resources?: readonly { readonly name: string }[];
}

function judge(resource: ResourceDescriptor<AnyKubeObject>, crd: InstalledCrd | undefined): Finding {
  if (crd === undefined) {
    const message = `the CRD of ${resource.kind} may not be read: fields that it cannot hold are lost`;
    return warning(message, "kubectl apply -f manifests/rbac/agent.yaml");
  }
  if (crd.hasStatusSubresource) {
    const message = `the CRD of ${resource.kind} has a status subresource: what agent and server write to the status is lost`;
    return stopsWork(message, "install CRDs without it: kubectl apply --server-side -f manifests/crds");
  }
  if (!crd.hasField("spec.uploaderType")) {
    const message = `the CRD of ${resource.kind} is older than Velero 1.10's`;
    return failed(message, "upgrade the CRDs, to Velero's of 1.14 or later or to manifests/crds");
  }
  return ok(`${generationOf(resource, crd)}; fields that it lacks are kept as annotations`);
}

/** By the fields that came with each version. @see velero: config/crd/v1/bases of each release */
function generationOf(resource: ResourceDescriptor<AnyKubeObject>, crd: InstalledCrd): string {
  const newest = resource.plural === "podvolumebackups" ? "status.incrementalBytes" : "spec.snapshotSize";
  if (crd.hasField(newest)) return "the CRD is that of Velero 1.18, or ours";
  if (crd.hasField("spec.cancel")) return "the CRD is that of Velero 1.17";
  if (crd.hasField("spec.uploaderSettings")) return "the CRD is that of Velero 1.13 to 1.16";
  return "the CRD is that of Velero 1.10 to 1.12, which is older than what is tested";
}
