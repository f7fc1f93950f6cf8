// All checks, in the order in which they are shown: first what the node gives, then what the cluster gives, then the stores.

import { accessRights } from "./access-rights.ts";
import { agentDaemonSet } from "./agent-daemonset.ts";
import { capabilities } from "./capabilities.ts";
import { clusterClock } from "./cluster-clock.ts";
import type { Check } from "./finding.ts";
import { hostPods } from "./host-pods.ts";
import { installedCrds } from "./installed-crds.ts";
import { kubeletRoot } from "./kubelet-root.ts";
import { memoryLimit } from "./memory-limit.ts";
import { mountPropagation } from "./mount-propagation.ts";
import { repositorySecret } from "./repository-secret.ts";
import { scratchFolder } from "./scratch-folder.ts";
import { storageLocations } from "./storage-locations.ts";

export const allChecks: readonly Check[] = [
  agentDaemonSet,
  hostPods,
  kubeletRoot,
  mountPropagation,
  capabilities,
  memoryLimit,
  scratchFolder,
  accessRights,
  installedCrds,
  clusterClock,
  repositorySecret,
  storageLocations,
];
