// What the create verbs share: labels and annotations of the new object, and printing it instead of making it.
import type { Command } from "commander";
import type { KubeObject } from "../../api/kube-object.ts";
import type { NewObject } from "../../kube/typed-client.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { mapParser, wordParser } from "./flag-values.ts";
import type { Noun } from "./noun.ts";
import { encodeObject, type ObjectFormat } from "./object-output.ts";

type StringMap = Readonly<Record<string, string>>;

export interface CreateFlags {
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
  readonly output?: ObjectFormat;
}

/** @param kind in the help: "Backup". */
export function addCreateFlags(command: Command, kind: string): Command {
  return command
    .option("--labels <labels>", `labels of the ${kind}, such as team=web,stage=test`, mapParser("--labels"))
    .option("--annotations <annotations>", `annotations of the ${kind}`, mapParser("--annotations"))
    .option(
      "-o, --output <format>",
      "print the object as json or yaml, and do not make it",
      wordParser("--output", ["json", "yaml"]),
    );
}

export interface Submission<T extends KubeObject> {
  readonly noun: Noun<T>;
  readonly wanted: NewObject<T>;
  readonly flags: CreateFlags;
}

/** The object that was made; undefined when it was printed instead. */
export async function submit<T extends KubeObject>(
  context: ClusterContext,
  { noun, wanted, flags }: Submission<T>,
): Promise<T | undefined> {
  const metadata = {
    ...wanted.metadata,
    namespace: context.namespace,
    ...joined("labels", wanted.metadata.labels, flags.labels),
    ...joined("annotations", wanted.metadata.annotations, flags.annotations),
  };
  const object = { ...wanted, metadata };
  if (flags.output !== undefined) {
    context.output.result(await encodeObject(flags.output, noun.resource, object));
    return undefined;
  }
  return await context.client.create(noun.resource, object, { signal: context.signal });
}

function joined(field: string, own: StringMap | undefined, added: StringMap | undefined): Record<string, StringMap> {
  return own === undefined && added === undefined ? {} : { [field]: { ...own, ...added } };
}
