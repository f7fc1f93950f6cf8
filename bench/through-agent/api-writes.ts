// How many writing requests the API server has answered, by its own count.
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane } from "../../test/support/control-plane.ts";

const settledMs = 1000;

/** Waits until no more come for a second: events are written behind the work. */
export async function countWrites(controlPlane: Pick<ControlPlane, "call">): Promise<number> {
  let before = await countNow(controlPlane);
  for (;;) {
    await sleep(settledMs);
    const now = await countNow(controlPlane);
    if (now === before) return now;
    before = now;
  }
}

async function countNow(controlPlane: Pick<ControlPlane, "call">): Promise<number> {
  const { status, body } = await controlPlane.call("GET", "/metrics");
  if (status !== 200 || typeof body !== "string") throw new Error(`the API server's metrics: status ${status}`);
  return sumOfWrites(body);
}

/** @param metrics of a kube-apiserver, in Prometheus's text form. Its own leases do not count. */
export function sumOfWrites(metrics: string): number {
  const lines = metrics.split("\n").filter((line) => line.startsWith("apiserver_request_total{"));
  const writes = lines.filter((line) => /verb="(POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION)"/.test(line));
  const others = writes.filter((line) => !line.includes('group="coordination.k8s.io"'));
  return others.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
