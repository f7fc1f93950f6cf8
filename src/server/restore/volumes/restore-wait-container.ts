// Puts the restore-wait container into a pod: as its first, it keeps the application from starting until an agent has filled
// the volumes.
import type { Container, Pod } from "../../../api/core.ts";
import { legacyRestoreWaitContainer, restoreWaitContainer } from "../../../api/names.ts";
import type { RestoreWaitSettings } from "./restore-wait-settings.ts";

/** Below it, one mount for each volume that is waited for. */
const mountRoot = "/restores";

/** What the restricted pod security standard wants. */
const strictSecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  runAsUser: 1000,
  seccompProfile: { type: "RuntimeDefault" },
} as const;

export interface RestoreWaitWish {
  readonly settings: RestoreWaitSettings;
  readonly restoreUid: string;
  /** Names of the pod's volumes for which there is data. */
  readonly volumes: readonly string[];
}

/** The pod with the container in front of the others. */
export function withRestoreWait(pod: Pod, wish: RestoreWaitWish): Pod {
  const { spec, ...rest } = withoutRestoreWait(pod);
  if (spec === undefined) return pod;
  return { ...rest, spec: { ...spec, initContainers: [restoreWait(pod, wish), ...(spec.initContainers ?? [])] } };
}

/** One of an earlier restore would wait for a file that nobody writes any more. */
export function withoutRestoreWait(pod: Pod): Pod {
  const own = pod.spec?.initContainers;
  if (pod.spec === undefined || own === undefined || !own.some(isRestoreWait)) return pod;
  return { ...pod, spec: { ...pod.spec, initContainers: own.filter((container) => !isRestoreWait(container)) } };
}

function isRestoreWait({ name }: Container): boolean {
  return name === restoreWaitContainer || name === legacyRestoreWaitContainer;
}

function restoreWait(pod: Pod, { settings, restoreUid, volumes }: RestoreWaitWish): Container {
  const field = (name: string, fieldPath: string): object => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return {
    name: restoreWaitContainer,
    image: settings.image,
    command: settings.command,
    args: [restoreUid],
    env: [field("POD_NAMESPACE", "metadata.namespace"), field("POD_NAME", "metadata.name")] as Container["env"] &
      object,
    resources: settings.resources,
    securityContext: settings.securityContext ?? pod.spec?.containers[0]?.securityContext ?? strictSecurityContext,
    volumeMounts: volumes.toSorted().map((name) => ({ name, mountPath: `${mountRoot}/${name}` })),
  };
}
