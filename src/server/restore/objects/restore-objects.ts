// Brings the objects of a Backup back, kind after kind (velero-contract §9.4): chooses, changes and creates each, and notes
// what became of it. Data of volumes is not its affair: pods are handed out before and after they are made.

import { validName } from "../../../api/valid-name.ts";
import type { Discovery } from "../../../kube/discovery.ts";
import { discoverWith } from "./await-crds.ts";
import { ContentsIndex } from "./backup-contents.ts";
import type { ChangeContext } from "./changes/change-context.ts";
import { absentNamespaces, type ChosenKind, chooseItems, neededCrds } from "./choose-items.ts";
import { ObjectComposer } from "./compose-object.ts";
import { EnsureNamespaces } from "./ensure-namespaces.ts";
import type { MutableObject } from "./json-fields.ts";
import { mutableCopy } from "./json-fields.ts";
import { ObjectRun, type ObjectView } from "./object-run.ts";
import { Placer } from "./placement.ts";
import type { RestoreObjectsOptions, RestoreObjectsOutcome } from "./restore-objects-options.ts";
import { crdKind } from "./restore-order.ts";
import { restoreScope } from "./restore-scope.ts";
import { statusTest } from "./restored-status.ts";

const servedTimeoutMs = 30_000;

/**
 * Warnings and errors of single objects go to the log by place; they never end the run. Objects that an earlier run of the same
 * Restore had created count as created by this one, so a run that was cut off is simply repeated.
 * @throws KubeError, TarballError when the run as a whole cannot go on
 */
export async function restoreObjects(options: RestoreObjectsOptions): Promise<RestoreObjectsOutcome> {
  const index = new ContentsIndex(options.contents);
  const run = new ObjectRun(options, partsOf(options, index));
  let view = viewOf(await options.discover(options.signal), options);
  let chosen = await choose(view, index, options);
  warnOfNothing(chosen, index, options);
  const crds = [...addressesOf(chosen, crdKind), ...neededCrds(chosen, view.discovery, { scope: view.scope, index })];
  run.expect(countOf(chosen));
  if (crds.length > 0) {
    await run.restoreKind({ groupResource: crdKind, addresses: crds }, view);
    const names = crds.map(({ name }) => name).filter((name) => options.contents.groupResources.includes(name));
    const discovery = await discoverWith(names, options.discover, { ...options, timeoutMs: servedTimeoutMs });
    // What the user calls a kind may be known only now.
    view = viewOf(discovery, options);
    chosen = await choose(view, index, options);
  }
  const rest = chosen.filter(({ groupResource, heldBack }) => groupResource !== crdKind && heldBack === undefined);
  warnOfHeldBack(chosen, options);
  run.expect(countOf(rest));
  for (const kind of rest) await run.restoreKind(kind, view);
  return { resourceList: run.tally.list(), progress: run.progress, reprovisioned: run.reprovisioned };
}

function viewOf(discovery: Discovery, { restore, clusterRbacAndWebhooks }: RestoreObjectsOptions): ObjectView {
  const scope = restoreScope({ restore, discovery, clusterRbacAndWebhooks });
  return { discovery, scope, restoresStatus: statusTest(restore.spec, discovery) };
}

async function choose(
  { scope }: ObjectView,
  index: ContentsIndex,
  { contents, log }: RestoreObjectsOptions,
): Promise<readonly ChosenKind[]> {
  return await chooseItems({ contents, index, scope, log });
}

function addressesOf(chosen: readonly ChosenKind[], kind: string): ChosenKind["addresses"] {
  return chosen.find(({ groupResource }) => groupResource === kind)?.addresses ?? [];
}

function countOf(chosen: readonly ChosenKind[]): number {
  return chosen.reduce((sum, { addresses }) => sum + addresses.length, 0);
}

function warnOfNothing(
  chosen: readonly ChosenKind[],
  index: ContentsIndex,
  { contents, restore, log }: RestoreObjectsOptions,
): void {
  for (const name of absentNamespaces(restore.spec.includedNamespaces ?? [], contents, index)) {
    log.warning("velero", `nothing of namespace ${name} is in the backup`);
  }
  if (chosen.length === 0) log.warning("velero", "nothing in the backup is what the restore asks for");
}

function warnOfHeldBack(chosen: readonly ChosenKind[], { log }: RestoreObjectsOptions): void {
  for (const { groupResource, addresses, heldBack } of chosen) {
    if (heldBack !== undefined)
      log.warning("cluster", `${addresses.length} ${groupResource} are left out: ${heldBack}`);
  }
}

function partsOf(options: RestoreObjectsOptions, index: ContentsIndex): ConstructorParameters<typeof ObjectRun>[1] {
  const { client, clock, signal, restore, rules, log, contents } = options;
  const changes: ChangeContext = {
    namespaceMapping: restore.spec.namespaceMapping ?? {},
    preserveNodePorts: restore.spec.preserveNodePorts === true,
    nodeMapping: rules.nodes,
  };
  const composer = new ObjectComposer({
    ...options,
    backupName: options.backup.metadata.name,
    changes,
    claims: { ...options, index },
  });
  const placer = new Placer({
    ...{ client, clock, signal, changes },
    restoreName: validName(restore.metadata.name),
    createdAfter: restore.metadata.creationTimestamp ?? "",
    isUpdatePolicy: restore.spec.existingResourcePolicy === "update",
    terminatingTimeoutMs: options.terminatingTimeoutMs,
  });
  const compose = async (source: string): Promise<MutableObject> => {
    const stored = index.has("namespaces", { name: source });
    const plain = { apiVersion: "v1", kind: "Namespace", metadata: { name: source } };
    const original = stored ? mutableCopy(await contents.read("namespaces", { name: source })) : plain;
    return (await composer.compose("namespaces", original)).object;
  };
  const { terminatingTimeoutMs } = options;
  const namespaces = new EnsureNamespaces({ client, clock, signal, log: log.log, terminatingTimeoutMs, compose });
  return { index, composer, placer, namespaces };
}
