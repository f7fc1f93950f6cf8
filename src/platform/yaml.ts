// YAML as people write it into ConfigMaps → plain values, and the way back. The only file that knows the package.
import { parseDocument, stringify } from "yaml";

/** Aliases are how a small text becomes a huge value. */
const maxAliases = 100;

/**
 * One document of YAML 1.2 (JSON too); undefined for an empty text. Keys that stand twice are an error.
 * @throws Error whose message says what is wrong and in which line.
 */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  const [error] = document.errors;
  // The first line names the problem and its place; the lines after it quote the text, which may be secret.
  if (error !== undefined) throw new Error(error.message.split("\n")[0]?.replace(/:$/, "") ?? "not YAML");
  return document.toJS({ maxAliasCount: maxAliases }) ?? undefined;
}

/** One document that readers of YAML 1.1 (kubectl) and 1.2 take for the same: to the older ones a bare "no" is no text. */
export function formatYaml(value: object): string {
  return stringify(value, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}
