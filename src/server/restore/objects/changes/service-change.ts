// A Service gets its addresses and ports anew, except those that somebody had asked for: a port counts as asked for when
// it stands in what `kubectl apply` last applied, or, without that, when a field manager owns it.
import {
  annotationOf,
  isJsonObject,
  type JsonObject,
  type MutableObject,
  objectAt,
  objectsAt,
  removeAt,
  textAt,
  valueAt,
} from "../json-fields.ts";
import type { ChangeContext } from "./change-context.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

export function changeService(service: MutableObject, { preserveNodePorts }: ChangeContext): void {
  if (textAt(service, "spec", "clusterIP") !== "None") {
    for (const field of ["clusterIP", "clusterIPs"]) removeAt(service, "spec", field);
  }
  if (preserveNodePorts) return;
  const applied = appliedConfiguration(service);
  const owned = ownedFields(service);
  const isAskedFor = applied === undefined ? ownedPortTest(owned) : appliedPortTest(applied);
  for (const port of objectsAt(service, "spec", "ports")) if (!isAskedFor(port)) delete port.nodePort;
  const isCheckAskedFor =
    Number(valueAt(applied, "spec", "healthCheckNodePort") ?? 0) !== 0 ||
    owned.some((fields) => objectAt(fields, "f:spec", "f:healthCheckNodePort") !== undefined);
  if (!isCheckAskedFor) removeAt(service, "spec", "healthCheckNodePort");
}

function appliedConfiguration(service: MutableObject): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(annotationOf(service, lastApplied) ?? "null");
    return isJsonObject(parsed) ? parsed : undefined;
  } catch {
    // Somebody else's annotation under that name says nothing about ports.
    return undefined;
  }
}

/** Named ports are compared by name, others by their number. */
function appliedPortTest(applied: JsonObject): (port: JsonObject) => boolean {
  const askedFor = objectsAt(applied, "spec", "ports").filter(({ nodePort }) => Number(nodePort ?? 0) > 0);
  const names = new Set(askedFor.flatMap(({ name }) => (typeof name === "string" ? [name] : [])));
  const numbers = new Set(askedFor.flatMap(({ name, nodePort }) => (name === undefined ? [Number(nodePort)] : [])));
  return (port) => {
    const isNamed = typeof port.name === "string" && port.name !== "";
    return isNamed ? names.has(port.name as string) : numbers.has(Number(port.nodePort));
  };
}

function ownedPortTest(owned: readonly JsonObject[]): (port: JsonObject) => boolean {
  return (port) => {
    const key = `k:{"port":${Number(port.port)},"protocol":"${textAt(port, "protocol") ?? "TCP"}"}`;
    return owned.some((fields) => valueAt(fields, "f:spec", "f:ports", key, "f:nodePort") !== undefined);
  };
}

function ownedFields(service: MutableObject): readonly JsonObject[] {
  const entries = objectsAt(service, "metadata", "managedFields");
  return entries.map((entry) => objectAt(entry, "fieldsV1")).filter((fields) => fields !== undefined);
}
