// What ConfigMaps in the server's namespace change in the objects of a Restore: storage classes, images, nodes of claims, and
// whatever resource modifiers say.
import type { ConfigMap } from "../../../api/core.ts";
import { configMaps } from "../../../api/resources.ts";
import type { Restore } from "../../../api/restore.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import { messageOf } from "../../../platform/coded-error.ts";
import { ImageRule } from "./rules/image-rule.ts";
import type { ModifierRule } from "./rules/modifiers/modifier-rule.ts";
import { parseModifiers } from "./rules/modifiers/parse-modifiers.ts";
import { PatchSchemas } from "./rules/modifiers/patch-schemas.ts";
import { ResourceModifiers } from "./rules/modifiers/resource-modifiers.ts";
import { readPluginConfig } from "./rules/plugin-config.ts";
import { StorageClassRule } from "./rules/storage-class-rule.ts";

export interface RestoreRules {
  /** Why the Restore cannot be carried out as its ConfigMaps are; for status.validationErrors. */
  readonly problems: readonly string[];
  readonly storageClasses: StorageClassRule;
  readonly images: ImageRule;
  /** New names of nodes that claims were provisioned for. */
  readonly nodes: ReadonlyMap<string, string>;
  readonly modifiers: ResourceModifiers;
}

export interface RestoreRulesOptions {
  readonly client: TypedClient;
  /** The server's namespace, where the ConfigMaps are. */
  readonly namespace: string;
  readonly restore: Restore;
  readonly signal: AbortSignal;
}

/** Reads and checks them; what is wrong in them becomes a problem, never an error. @throws KubeError */
export async function readRestoreRules(options: RestoreRulesOptions): Promise<RestoreRules> {
  const { client } = options;
  const storageClasses = await readPluginConfig("velero.io/change-storage-class", options);
  const images = await readPluginConfig("velero.io/change-image-name", options);
  const nodes = await readPluginConfig("velero.io/change-pvc-node-selector", options);
  const modifiers = await readModifiers(options);
  const problems = [storageClasses, images, nodes, modifiers].flatMap(({ problem }) => problem ?? []);
  return {
    problems,
    storageClasses: new StorageClassRule(storageClasses.data, client),
    images: new ImageRule(images.data),
    nodes: new Map(Object.entries(nodes.data)),
    modifiers: new ResourceModifiers(modifiers.rules, new PatchSchemas(client)),
  };
}

interface ReadModifiers {
  readonly rules: readonly ModifierRule[];
  readonly problem?: string;
}

async function readModifiers({ client, namespace, restore, signal }: RestoreRulesOptions): Promise<ReadModifiers> {
  const reference = restore.spec.resourceModifier;
  if (reference === null || reference === undefined) return { rules: [] };
  const { kind, name } = reference;
  if (kind.toLowerCase() !== "configmap") {
    return { rules: [], problem: `resourceModifier names a ${kind}: it must be a ConfigMap` };
  }
  const found = await client.find<ConfigMap>(configMaps, { namespace, name }, { signal });
  if (found === undefined) {
    return { rules: [], problem: `resourceModifier names ConfigMap ${namespace}/${name}, which does not exist` };
  }
  try {
    return { rules: parseModifiers(found) };
  } catch (error) {
    return { rules: [], problem: `resource modifiers in ConfigMap ${namespace}/${name}: ${messageOf(error)}` };
  }
}
