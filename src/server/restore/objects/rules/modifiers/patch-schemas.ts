// What the API server's OpenAPI v3 documents say about merging lists, per kind; read when a rule needs it, kept for one run.
import { customResourceDefinitions } from "../../../../../api/resources.ts";
import type { TypedClient } from "../../../../../kube/typed-client.ts";
import { isJsonObject, type JsonObject, type MutableObject, objectAt, objectsAt, textAt } from "../../json-fields.ts";
import type { FieldSchema } from "./strategic-merge.ts";

export class PatchSchemas {
  readonly #client: Pick<TypedClient, "find" | "getPath">;
  readonly #documents = new Map<string, Promise<JsonObject>>();
  readonly #custom = new Map<string, Promise<boolean>>();

  constructor(client: Pick<TypedClient, "find" | "getPath">) {
    this.#client = client;
  }

  /** @throws Error for custom resources, whose schemas say nothing about merging; KubeError */
  async of(groupResource: string, { apiVersion, kind }: MutableObject, signal: AbortSignal): Promise<FieldSchema> {
    if (await this.#isCustom(groupResource, signal)) {
      throw new Error("strategic merge patches are not possible for custom resources: use mergePatches");
    }
    const schemas = await this.#document(apiVersion, signal);
    const [version = "", group = ""] = apiVersion.split("/").toReversed();
    const isOfKind = (schema: unknown): boolean =>
      objectsAt(schema, "x-kubernetes-group-version-kind").some(
        (gvk) => gvk.group === group && gvk.version === version && gvk.kind === kind,
      );
    const schema = Object.values(schemas).find(isOfKind);
    if (!isJsonObject(schema)) throw new Error(`the API server's schemas do not have ${apiVersion} ${kind}`);
    return fieldSchema(schema, schemas);
  }

  async #isCustom(groupResource: string, signal: AbortSignal): Promise<boolean> {
    const find = async (): Promise<boolean> =>
      (await this.#client.find(customResourceDefinitions, { name: groupResource }, { signal })) !== undefined;
    // Without a dot it is of the core group.
    const known = this.#custom.get(groupResource) ?? (groupResource.includes(".") ? find() : Promise.resolve(false));
    this.#custom.set(groupResource, known);
    return await known;
  }

  async #document(apiVersion: string, signal: AbortSignal): Promise<JsonObject> {
    const path = apiVersion.includes("/") ? `/openapi/v3/apis/${apiVersion}` : `/openapi/v3/api/${apiVersion}`;
    const read = async (): Promise<JsonObject> =>
      objectAt(await this.#client.getPath(path, { signal }), "components", "schemas") ?? {};
    const known = this.#documents.get(path) ?? read();
    this.#documents.set(path, known);
    return await known;
  }
}

const nothingKnown: FieldSchema = {
  isMerged: false,
  mergeKey: undefined,
  isReplaced: false,
  field: () => nothingKnown,
};

/** @param schema of the field; a reference is followed. */
function fieldSchema(schema: JsonObject, schemas: JsonObject): FieldSchema {
  const strategies = (textAt(schema, "x-kubernetes-patch-strategy") ?? "").split(",");
  const content = resolved(schema, schemas);
  const inner = resolved(objectAt(content, "items") ?? content, schemas);
  return {
    isMerged: strategies.includes("merge"),
    mergeKey: textAt(schema, "x-kubernetes-patch-merge-key"),
    isReplaced: strategies.includes("replace"),
    field: (name) => {
      const own = objectAt(inner, "properties", name) ?? objectAt(inner, "additionalProperties");
      return own === undefined ? nothingKnown : fieldSchema(own, schemas);
    },
  };
}

const referencePrefix = "#/components/schemas/";

/** References stand alone or as the only part of allOf. */
function resolved(schema: JsonObject, schemas: JsonObject): JsonObject {
  const reference = textAt(schema, "$ref") ?? textAt(objectsAt(schema, "allOf")[0], "$ref");
  if (reference === undefined) return schema;
  return objectAt(schemas, reference.slice(referencePrefix.length)) ?? schema;
}
