// Adds what the found objects need and the filters alone do not bring: the volume of a claim when only a namespace is backed
// up, the claims of a pod that a label selector chose, the bindings of service accounts, the CRDs of custom resources.
import { groupResourceOf } from "../../../kube/discovery.ts";
import { KubeError } from "../../../kube/kube-errors.ts";
import { messageOf } from "../../../platform/coded-error.ts";
import type { Collection } from "./collection.ts";
import { roleForAccounts } from "./related-items.ts";
import type { WantedItem } from "./related-queue.ts";
import { workThrough } from "./work-through.ts";

const readsAtOnce = 4;

/** @throws KubeError "cancelled", TarballError "scratch-unusable" */
export async function collectRelated(collection: Collection): Promise<void> {
  await addMissing(collection);
  await addBindings(collection);
  noteDefinitions(collection);
  await addMissing(collection);
}

/** What is added may need something in turn. */
async function addMissing(collection: Collection): Promise<void> {
  const { related, signal } = collection;
  for (let missing = related.takeMissing(); missing.length > 0; missing = related.takeMissing())
    await workThrough(missing, { atOnce: readsAtOnce, signal }, (wanted) => addOne(wanted, collection));
}

async function addOne({ resource, namespace, name }: WantedItem, collection: Collection): Promise<void> {
  const { client, log, signal, take, onFound } = collection;
  try {
    const object = await client.find(resource, { namespace, name }, { signal });
    if (object === undefined) return;
    await take(resource, object);
    onFound();
  } catch (error) {
    signal.throwIfAborted();
    if (!KubeError.is(error)) throw error;
    log.error(
      namespace === "" ? "cluster" : { namespace },
      `${groupResourceOf(resource)} ${name} is not backed up: ${messageOf(error)}`,
    );
  }
}

/** ClusterRoleBindings that give rights to the accounts, with their roles. Who has no accounts reads no bindings. */
async function addBindings(collection: Collection): Promise<void> {
  const { client, discovery, items, log, related, signal, take } = collection;
  const accountKind = discovery.ofKind("", "ServiceAccount");
  const bindingKind = related.kindToAdd("rbac.authorization.k8s.io", "ClusterRoleBinding");
  const accounts = new Set(accountKind === undefined ? [] : items.keys(accountKind));
  if (bindingKind === undefined || accounts.size === 0) return;
  try {
    for await (const page of client.listPages(bindingKind, { signal })) {
      for (const binding of page.items) {
        const roles = roleForAccounts(binding, accounts);
        if (roles === undefined) continue;
        await take(bindingKind, binding);
        for (const role of roles) related.note(role);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!KubeError.is(error)) throw error;
    log.error("cluster", `bindings of service accounts are not backed up: ${messageOf(error)}`);
  }
}

/** Every group of a CRD has a dot; many others have one too, and simply have no CRD of the name. */
function noteDefinitions({ items, related }: Collection): void {
  for (const resource of items.resources.filter(({ group }) => group.includes(".")))
    related.note({ group: "apiextensions.k8s.io", kind: "CustomResourceDefinition", name: groupResourceOf(resource) });
}
