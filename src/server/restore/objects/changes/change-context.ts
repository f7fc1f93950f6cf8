// What the changes of single kinds depend on.

export interface ChangeContext {
  /** From the namespace in the Backup to the one in the cluster; the others keep their names. */
  readonly namespaceMapping: Readonly<Record<string, string>>;
  readonly preserveNodePorts: boolean;
  /** Nodes for which claims were provisioned, by their old names. */
  readonly nodeMapping: ReadonlyMap<string, string>;
}

export function mappedNamespace(mapping: Readonly<Record<string, string>>, namespace: string): string {
  return Object.hasOwn(mapping, namespace) ? (mapping[namespace] ?? namespace) : namespace;
}
