// May the agent do what it needs to do? The API server is asked about each verb: from inside about ourselves, from outside
// about the service account of the DaemonSet.

import type { AnyKubeObject, ResourceDescriptor } from "../../src/kube/kube-object.ts";
import { agentServiceAccount } from "./agent-pods.ts";
import { type Check, type Finding, failed, ok, type Patient, stopsWork, warning } from "./finding.ts";
import { type NeededRight, neededRights } from "./needed-rights.ts";

export const accessRights: Check = { name: "access-rights", from: "everywhere", run: askForAll };

interface AccessReview extends AnyKubeObject {
  readonly spec: object;
  readonly status?: { readonly allowed?: boolean };
}

function review(kind: string, plural: string): ResourceDescriptor<AccessReview> {
  return { group: "authorization.k8s.io", version: "v1", kind, plural, isNamespaced: false };
}

const selfReviews = review("SelfSubjectAccessReview", "selfsubjectaccessreviews");
const subjectReviews = review("SubjectAccessReview", "subjectaccessreviews");

/** Questions at a time; there are some thirty in all. */
const concurrency = 6;

interface Question {
  readonly right: NeededRight;
  readonly verb: string;
}

async function askForAll(patient: Patient, signal: AbortSignal): Promise<Finding | readonly Finding[]> {
  const account = patient.place === "pod" ? undefined : await agentServiceAccount(patient, signal);
  if (patient.place === "outside" && account === undefined) {
    return failed("whose rights? There is no DaemonSet node-agent here", "install the agent, or give its --namespace");
  }
  const questions = neededRights.flatMap((right) => right.verbs.map((verb) => ({ right, verb })));
  const refused: Question[] = [];
  const waiting = questions.values();
  const askOn = async (): Promise<void> => {
    for (const question of waiting)
      if (!(await isAllowed(question, { patient, account, signal }))) refused.push(question);
  };
  await Promise.all(Array.from({ length: concurrency }, askOn));
  if (refused.length === 0) return ok(`all ${questions.length} rights that the agent needs are granted`);
  return findingsAbout(neededRights, refused, patient.namespace);
}

interface Asker {
  readonly patient: Patient;
  /** Undefined: ourselves. */
  readonly account: string | undefined;
  readonly signal: AbortSignal;
}

async function isAllowed({ right, verb }: Question, { patient, account, signal }: Asker): Promise<boolean> {
  const { group, resource, name, scope } = right;
  const { namespace } = patient;
  const where = scope === "namespace" ? { namespace } : {};
  const resourceAttributes = { group, resource, verb, ...(name === undefined ? {} : { name }), ...where };
  const subject =
    account === undefined
      ? {}
      : {
          user: `system:serviceaccount:${namespace}:${account}`,
          groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
        };
  const reviews = account === undefined ? selfReviews : subjectReviews;
  const answer = await patient.client.create(
    reviews,
    { metadata: {}, spec: { resourceAttributes, ...subject } },
    { signal },
  );
  return answer.status?.allowed === true;
}

const remedy = "kubectl apply -f manifests/rbac/agent.yaml, and check that the DaemonSet's serviceAccountName fits";

/** One finding a right, in the order of the table. */
function findingsAbout(
  rights: readonly NeededRight[],
  refused: readonly Question[],
  namespace: string,
): readonly Finding[] {
  return rights.flatMap((right) => {
    const verbs = right.verbs.filter((verb) => refused.some((one) => one.right === right && one.verb === verb));
    if (verbs.length === 0) return [];
    const { resource, name, scope, isVital, loss } = right;
    const object = name === undefined ? resource : `${resource} ${name}`;
    const where = scope === "namespace" ? `in the namespace ${namespace}` : "in the cluster";
    const message = `the agent may not ${verbs.join(", ")} ${object} ${where}: ${loss}`;
    return [{ ...(isVital ? stopsWork(message, remedy) : warning(message, remedy)), subject: object }];
  });
}
