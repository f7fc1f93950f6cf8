// The agent's role holds what the doctor asks for, and nothing else.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { neededRights } from "../../../../agent/doctor/needed-rights.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Role {
  readonly kind: string;
  readonly rules: readonly Rule[];
}

/** "cluster /pods get", "namespace velero.io/podvolumebackups patch". */
function rightsOf({ kind, rules }: Role): string[] {
  const scope = kind === "ClusterRole" ? "cluster" : "namespace";
  return rules.flatMap(({ apiGroups, resources, resourceNames = [undefined], verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        resourceNames.flatMap((name) => verbs.map((verb) => lineOf({ scope, group, resource, name, verb }))),
      ),
    ),
  );
}

function lineOf(right: {
  scope: string;
  group: string;
  resource: string;
  name?: string | undefined;
  verb: string;
}): string {
  const { scope, group, resource, name, verb } = right;
  return `${scope} ${group}/${resource}${name === undefined ? "" : ` ${name}`} ${verb}`;
}

test("manifests/rbac/agent.yaml grants exactly the rights that the doctor asks for", () => {
  const file = join(import.meta.dirname, "../../../../manifests/rbac/agent.yaml");
  const documents = parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as Role);
  const roles = documents.filter(({ kind }) => kind === "Role" || kind === "ClusterRole");
  const granted = roles.flatMap(rightsOf);
  const asked = neededRights.flatMap((right) => right.verbs.map((verb) => lineOf({ ...right, verb })));
  assert.deepEqual(granted.toSorted(), asked.toSorted());
});
