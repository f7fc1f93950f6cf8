// Label selectors as people write them (app=web,tier!=cache,env in (a,b),!legacy) and as resources hold them.
import type { LabelSelector, LabelSelectorRequirement } from "../../api/kube-object.ts";
import { UsageError } from "../usage-error.ts";

const name = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
const key = `(?:${name}/)?${name}`;
const equality: RegExp = new RegExp(`^(${key})\\s*(==|=|!=)\\s*(${name}|)$`);
const membership: RegExp = new RegExp(`^(${key})\\s+(in|notin)\\s+\\(([^()]*)\\)$`);
const existence: RegExp = new RegExp(`^(!?)\\s*(${key})$`);
const value: RegExp = new RegExp(`^(?:${name})?$`);

/** @throws UsageError that shows the part which cannot be read. */
export function parseSelector(text: string): LabelSelector {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: LabelSelectorRequirement[] = [];
  for (const part of partsOf(text)) {
    const requirement = parseRequirement(part);
    const [only] = requirement.values ?? [];
    // One value is what matchLabels says; a key that is there already needs its own requirement.
    const isPlain = requirement.operator === "In" && requirement.values?.length === 1;
    if (isPlain && only !== undefined && !Object.hasOwn(matchLabels, requirement.key)) {
      matchLabels[requirement.key] = only;
    } else {
      matchExpressions.push(requirement);
    }
  }
  return {
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
  };
}

/** velero's form of several selectors of which one must match: "app=web or app=db". */
export function parseOrSelectors(text: string): LabelSelector[] {
  return text.split(/\s+or\s+/).map(parseSelector);
}

/** The selector as text; "<none>" when there is none or it selects everything. */
export function formatSelector(selector: LabelSelector | null | undefined): string {
  const equalities = Object.entries(selector?.matchLabels ?? {}).map(([label, wanted]) => `${label}=${wanted}`);
  const others = (selector?.matchExpressions ?? []).map(formatRequirement);
  const all = [...equalities, ...others];
  return all.length === 0 ? "<none>" : all.join(",");
}

function formatRequirement({ key: label, operator, values = [] }: LabelSelectorRequirement): string {
  switch (operator) {
    case "Exists":
      return label;
    case "DoesNotExist":
      return `!${label}`;
    case "In":
      return `${label} in (${values.join(",")})`;
    case "NotIn":
      return values.length === 1 ? `${label}!=${values[0]}` : `${label} notin (${values.join(",")})`;
    default:
      return `${label} ${operator} ${values.join(",")}`;
  }
}

/** Parts between commas that stand outside of parentheses. */
function partsOf(text: string): string[] {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  if (parts.some((part) => part === "")) throw wrong(text);
  return parts;
}

function parseRequirement(part: string): LabelSelectorRequirement {
  const [, label, sign, wanted] = equality.exec(part) ?? [];
  if (label !== undefined) return { key: label, operator: sign === "!=" ? "NotIn" : "In", values: [wanted ?? ""] };
  const [, listed, word, list] = membership.exec(part) ?? [];
  if (listed !== undefined) {
    // A set: in the order in which Velero's client would write it.
    const values = (list ?? "")
      .split(",")
      .map((one) => one.trim())
      .sort();
    if (!values.every((one) => value.test(one))) throw wrong(part);
    return { key: listed, operator: word === "in" ? "In" : "NotIn", values };
  }
  const [, negation, present] = existence.exec(part) ?? [];
  if (present === undefined) throw wrong(part);
  return { key: present, operator: negation === "!" ? "DoesNotExist" : "Exists" };
}

function wrong(part: string): UsageError {
  return new UsageError(`the label selector "${part}": write it like app=web,tier!=cache,env in (a,b),!legacy`);
}
