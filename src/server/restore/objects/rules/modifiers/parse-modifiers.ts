// The ConfigMap of a Restore's resource modifiers → rules. Strict, as Velero is: a key that nobody knows is an error,
// because a rule that is not applied is found out too late.
import type { ConfigMap } from "../../../../../api/core.ts";
import type { LabelSelector } from "../../../../../api/kube-object.ts";
import { labelSelectorProblems } from "../../../../../api/label-selector.ts";
import { messageOf } from "../../../../../platform/coded-error.ts";
import { parseYaml } from "../../../../../platform/yaml.ts";
import { globPattern, type NamePattern } from "../../../../name-patterns/glob-pattern.ts";
import { nameExpression } from "../../../../name-patterns/name-expression.ts";
import { isJsonObject, type JsonObject } from "../../json-fields.ts";
import { type JsonPatchOperation, jsonPatchOperations } from "./json-patch.ts";
import type { ModifierConditions, ModifierPatch, ModifierRule } from "./modifier-rule.ts";

/** @throws Error that says what is wrong, and in which rule */
export function parseModifiers({ metadata, data = {} }: ConfigMap): readonly ModifierRule[] {
  const texts = Object.values(data);
  const [text] = texts;
  if (texts.length !== 1 || text === undefined) {
    throw new Error(`ConfigMap ${metadata.name} must have exactly one key with the rules, not ${texts.length}`);
  }
  const content = fieldsOf(parseYaml(text), "the rules", ["version", "resourceModifierRules"]);
  if (String(content.version).toLowerCase() !== "v1")
    throw new Error(`version ${String(content.version)} is unknown: it is v1`);
  const rules = listOf(content.resourceModifierRules, "resourceModifierRules");
  if (rules.length === 0) throw new Error("resourceModifierRules is empty");
  return rules.map((rule, index) => ruleOf(rule, index + 1));
}

const patchLists = ["patches", "mergePatches", "strategicPatches"] as const;

function ruleOf(value: unknown, position: number): ModifierRule {
  const where = `rule ${position}`;
  const rule = fieldsOf(value, where, ["conditions", ...patchLists]);
  const given = patchLists.filter((name) => listOf(rule[name], `${where}: ${name}`).length > 0);
  const [name] = given;
  if (name === undefined || given.length > 1) {
    throw new Error(`${where} needs one of patches, mergePatches and strategicPatches, and has ${given.length}`);
  }
  const entries = listOf(rule[name], where);
  return { position, conditions: conditionsOf(rule.conditions, where), patch: patchOf(name, entries, where) };
}

function patchOf(name: (typeof patchLists)[number], entries: readonly unknown[], where: string): ModifierPatch {
  if (name === "patches") return { type: "json", operations: entries.map((entry) => operationOf(entry, where)) };
  const patches = entries.map((entry) => patchDataOf(entry, where));
  return { type: name === "mergePatches" ? "merge" : "strategic", patches };
}

function conditionsOf(value: unknown, where: string): ModifierConditions {
  const known = ["namespaces", "groupResource", "resourceNameRegex", "labelSelector", "matches"];
  const { namespaces, groupResource, ...rest } = fieldsOf(value, `${where}: conditions`, known);
  if (typeof groupResource !== "string" || groupResource === "") throw new Error(`${where}: groupResource is missing`);
  return {
    namespaces: listOf(namespaces, `${where}: namespaces`).map((name) => globPattern(String(name))),
    groupResource: globPattern(groupResource, "."),
    name: rest.resourceNameRegex === undefined ? undefined : nameTest(rest.resourceNameRegex, where),
    labelSelector: rest.labelSelector === undefined ? undefined : selectorOf(rest.labelSelector, where),
    matches: listOf(rest.matches, `${where}: matches`).map((match) => matchOf(match, where)),
  };
}

function nameTest(value: unknown, where: string): NamePattern {
  if (typeof value !== "string") throw new Error(`${where}: resourceNameRegex is not a text`);
  try {
    return nameExpression(value);
  } catch (error) {
    throw new Error(`${where}: resourceNameRegex "${value}" is not a regular expression: ${messageOf(error)}`);
  }
}

function selectorOf(value: unknown, where: string): LabelSelector {
  const selector = fieldsOf(value, `${where}: labelSelector`, ["matchLabels", "matchExpressions"]) as LabelSelector;
  const [problem] = labelSelectorProblems(selector);
  if (problem !== undefined) throw new Error(`${where}: labelSelector: ${problem}`);
  return selector;
}

function matchOf(value: unknown, where: string): JsonPatchOperation {
  const match = fieldsOf(value, `${where}: matches`, ["path", "value"]);
  return { op: "test", path: pathOf(match.path, where), value: jsonOfText(match.value, where) };
}

function operationOf(value: unknown, where: string): JsonPatchOperation {
  const patch = fieldsOf(value, `${where}: patches`, ["operation", "path", "from", "value"]);
  const op = jsonPatchOperations.find((name) => name === String(patch.operation).toLowerCase());
  if (op === undefined) throw new Error(`${where}: operation "${String(patch.operation)}" is unknown`);
  const from = op === "move" || op === "copy" ? { from: pathOf(patch.from, where) } : {};
  const content = op === "add" || op === "replace" || op === "test" ? { value: jsonOfText(patch.value, where) } : {};
  return { op, path: pathOf(patch.path, where), ...from, ...content };
}

function pathOf(value: unknown, where: string): string {
  if (typeof value === "string" && value.startsWith("/")) return value;
  throw new Error(`${where}: path "${String(value ?? "")}" does not begin with /`);
}

/**
 * Values are texts that stand for JSON: numbers, true, false, null, objects and lists as they are written, all else a text;
 * quotes around a value make a text of what would be something else.
 */
function jsonOfText(value: unknown, where: string): unknown {
  if (typeof value !== "string") return value ?? "";
  if (/^".*"$/s.test(value)) return value.slice(1, -1);
  const isWord = ["null", "true", "false"].includes(value);
  const isNumber = /^-?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?$/i.test(value);
  if (!isWord && !isNumber && !/^[{[]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new Error(`${where}: value ${value} is not JSON`);
  }
}

function patchDataOf(entry: unknown, where: string): JsonObject {
  const { patchData } = fieldsOf(entry, where, ["patchData"]);
  const patch = typeof patchData === "string" ? parseYaml(patchData) : patchData;
  if (!isJsonObject(patch)) throw new Error(`${where}: patchData is not an object`);
  return patch;
}

function fieldsOf(value: unknown, where: string, known: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw new Error(`${where} must be an object`);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`${where}: key "${unknown}" is unknown; known are ${known.join(", ")}`);
  return value;
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${where} is not a list`);
  return value;
}
