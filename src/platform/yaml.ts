// YAML as people write it into ConfigMaps → plain values. The only file that knows the package.
import { parseDocument } from "yaml";

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
