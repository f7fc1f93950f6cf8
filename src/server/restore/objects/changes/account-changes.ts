// Service accounts, their tokens, and the bindings that name them.
import {
  filterAt,
  isJsonObject,
  type MutableObject,
  objectsAt,
  removeAnnotations,
  removeAt,
  textAt,
} from "../json-fields.ts";
import { type ChangeContext, mappedNamespace } from "./change-context.ts";

/** Tokens that a controller made for the account have names like `builder-token-x7k2p`; it makes new ones. */
export function changeServiceAccount(account: MutableObject): void {
  const prefix = `${account.metadata.name}-token-`;
  const isToken = (entry: unknown): boolean => isJsonObject(entry) && (textAt(entry, "name") ?? "").startsWith(prefix);
  filterAt(account, ["secrets"], (entry) => !isToken(entry));
}

/** A token that somebody asked for with a Secret is filled in anew by the controller: the old one is not valid here. */
export function changeSecret(secret: MutableObject): void {
  if (secret.type !== "kubernetes.io/service-account-token") return;
  removeAnnotations(secret, ["kubernetes.io/service-account.uid"]);
  for (const key of ["token", "ca.crt", "namespace"]) removeAt(secret, "data", key);
}

/** Bindings name accounts with their namespace, or as users and groups whose names have the namespace in them. */
export function changeBinding(binding: MutableObject, { namespaceMapping }: ChangeContext): void {
  for (const subject of objectsAt(binding, "subjects")) {
    const namespace = textAt(subject, "namespace");
    if (namespace !== undefined) subject.namespace = mappedNamespace(namespaceMapping, namespace);
    const name = textAt(subject, "name");
    if (name !== undefined && subject.kind !== "ServiceAccount") subject.name = mappedSubject(name, namespaceMapping);
  }
}

/** "system:serviceaccount:shop:builder", "system:serviceaccounts:shop". */
function mappedSubject(name: string, mapping: ChangeContext["namespaceMapping"]): string {
  const [, prefix, namespace, rest = ""] = /^(system:serviceaccounts?:)([^:]+)(:.*)?$/.exec(name) ?? [];
  if (prefix === undefined || namespace === undefined) return name;
  return `${prefix}${mappedNamespace(mapping, namespace)}${rest}`;
}
