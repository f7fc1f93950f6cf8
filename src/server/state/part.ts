// What the server tells about the state of its resources, whoever wrote it. It decides nothing and so has no controllers.
import type { Controller } from "../../kube/controller.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { logStates } from "./state-log.ts";
import { serveStates } from "./state-metrics.ts";

export function statePart({ metrics, log }: ServerContext, informers: Informers): readonly Controller[] {
  serveStates(metrics, informers);
  logStates(informers, log);
  return [];
}
