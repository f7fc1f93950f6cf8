// Which objects of the Backup a Restore brings back, in order. Only their addresses are kept.
import type { KubeObject } from "../../../api/kube-object.ts";
import type { Discovery } from "../../../kube/discovery.ts";
import { messageOf } from "../../../platform/coded-error.ts";
import { isGlobPattern } from "../../name-patterns/glob-pattern.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { ItemAddress } from "../../tarball/tarball-reader.ts";
import type { BackupContents, ContentsIndex } from "./backup-contents.ts";
import { crdKind, inRestoreOrder } from "./restore-order.ts";
import type { RestoreScope } from "./restore-scope.ts";

export interface ChosenKind {
  readonly groupResource: string;
  readonly addresses: readonly ItemAddress[];
  /** Why they are left out all the same. */
  readonly heldBack?: string;
}

export interface ChooseOptions {
  readonly contents: BackupContents;
  readonly index: ContentsIndex;
  readonly scope: RestoreScope;
  readonly log: RunLog;
}

export async function chooseItems(options: ChooseOptions): Promise<readonly ChosenKind[]> {
  const { contents, scope } = options;
  const chosen: ChosenKind[] = [];
  for (const groupResource of inRestoreOrder(contents.groupResources)) {
    if (!scope.includesKind(groupResource)) continue;
    const addresses = await chosenAddresses(groupResource, options);
    if (addresses.length === 0) continue;
    const heldBack = scope.reasonToHoldBack(groupResource);
    chosen.push({ groupResource, addresses, ...(heldBack === undefined ? {} : { heldBack }) });
  }
  return chosen;
}

/** Namespaces that the Restore names and of which nothing is in the Backup. */
export function absentNamespaces(
  named: readonly string[],
  contents: BackupContents,
  index: ContentsIndex,
): readonly string[] {
  const asked = named.filter((name) => !isGlobPattern(name) && !index.has("namespaces", { name }));
  if (asked.length === 0) return [];
  const present = new Set(
    contents.groupResources.flatMap((kind) => contents.addresses(kind).map((at) => at.namespace)),
  );
  return asked.filter((name) => !present.has(name));
}

/** CRDs that are not chosen for themselves, but without which chosen objects have no kind in this cluster. */
export function neededCrds(
  chosen: readonly ChosenKind[],
  discovery: Pick<Discovery, "find">,
  { scope, index }: Pick<ChooseOptions, "scope" | "index">,
): readonly ItemAddress[] {
  if (scope.clusterScope === "none" || !scope.includesKind(crdKind)) return [];
  const kinds = chosen.map(({ groupResource }) => groupResource);
  return kinds
    .filter((name) => discovery.find(name) === undefined && index.has(crdKind, { name }))
    .map((name) => ({ name }));
}

async function chosenAddresses(groupResource: string, options: ChooseOptions): Promise<readonly ItemAddress[]> {
  const { contents, scope } = options;
  const inScope = contents.addresses(groupResource).filter((address) => isInScope(groupResource, address, scope));
  if (!scope.hasSelectors) return inScope;
  const matching: ItemAddress[] = [];
  for (const address of inScope) {
    const object = await readForLabels(groupResource, address, options);
    // What cannot be read is chosen, so that it is reported where it would have been restored.
    if (object === undefined || scope.includesLabels(object.metadata.labels)) matching.push(address);
  }
  return matching;
}

function isInScope(groupResource: string, { namespace, name }: ItemAddress, scope: RestoreScope): boolean {
  if (namespace !== undefined) return scope.includesNamespace(namespace);
  // A namespace belongs to its objects: it comes back when they may, even if it is empty.
  if (groupResource === "namespaces") return scope.includesNamespace(name);
  return scope.clusterScope === "all";
}

async function readForLabels(
  groupResource: string,
  address: ItemAddress,
  { contents, log }: ChooseOptions,
): Promise<KubeObject | undefined> {
  try {
    return await contents.read(groupResource, address);
  } catch (error) {
    log.log.debug("cannot read an object to see its labels", { groupResource, ...address, error: messageOf(error) });
    return undefined;
  }
}
