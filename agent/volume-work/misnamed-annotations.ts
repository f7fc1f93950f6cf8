// Tells the owner of a pod that one of its annotations has no effect, because its name is wrong.

import type { Pod } from "../../src/api/core.ts";
import { pods } from "../../src/api/resources.ts";
import { involvedObject } from "../../src/kube/events.ts";
import type { AgentContext } from "../agent-context.ts";
import { misnamedAnnotations } from "./volume-settings.ts";

export function tellMisnamed({ events, log }: Pick<AgentContext, "events" | "log">, pod: Pod): void {
  for (const remark of misnamedAnnotations(pod)) {
    const message = `an annotation has no effect: ${remark}`;
    log.warn(message, { pod: `${pod.metadata.namespace}/${pod.metadata.name}` });
    events.record(involvedObject(pods, pod), { type: "Warning", reason: "AnnotationIgnored", message });
  }
}
