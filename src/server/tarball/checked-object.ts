// An item of a tarball is believed only when it is the object that its path says: filters, namespace mapping and the choice of
// the API path all go by the path.
import type { KubeObject } from "../../api/kube-object.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import { messageOf } from "../../platform/coded-error.ts";
import { parseExactJson } from "../../platform/exact-json.ts";
import { TarballError } from "./tarball-error.ts";
import type { ItemPath } from "./tarball-paths.ts";

/** @throws TarballError "item-unreadable" */
export function checkedObject(text: string, { groupResource, key }: ItemPath): KubeObject {
  const refuse = (what: string): TarballError =>
    new TarballError("item-unreadable", `${groupResource} ${key} in the tarball is ${what}`, {
      details: { groupResource, key },
    });
  let object: unknown;
  try {
    object = parseExactJson(text);
  } catch (error) {
    throw refuse(`not JSON: ${messageOf(error)}`);
  }
  if (!isObject(object)) throw refuse("not an object with apiVersion, kind and metadata.name");
  const found = keyOfObject(object);
  if (found !== key) throw refuse(`the object ${found.slice(0, 200)}`);
  const group = groupOf(object.apiVersion);
  if (group !== groupResource.split(".").slice(1).join(".")) throw refuse(`of the API group ${group || "core"}`);
  return object;
}

function isObject(value: unknown): value is KubeObject & { readonly apiVersion: string } {
  if (typeof value !== "object" || value === null) return false;
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || kind === "") return false;
  if (typeof metadata !== "object" || metadata === null) return false;
  const { name, namespace = "" } = metadata as Record<string, unknown>;
  return typeof name === "string" && name !== "" && typeof namespace === "string";
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
