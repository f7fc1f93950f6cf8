// Checks the hooks of a Backup's spec: one that selects nothing, or has another time-out than its author meant, would be
// noticed only when the data are needed.
import type { BackupResourceHook, BackupSpec, ExecHook } from "../../api/backup.ts";
import { matchesLabels } from "../../api/label-selector.ts";
import { parseDuration } from "../../platform/duration.ts";

/** Sentences for `status.validationErrors`. */
export function hookProblems(hooks: BackupSpec["hooks"]): string[] {
  return (hooks?.resources ?? []).flatMap((resource, index) => {
    const place = `spec.hooks.resources[${index}] (${resource.name})`;
    return problemsOf(resource).map((problem) => `${place}: ${problem}`);
  });
}

function problemsOf({ labelSelector, pre = [], post = [] }: BackupResourceHook): string[] {
  const isSelector = matchesLabels({ matchExpressions: labelSelector?.matchExpressions ?? [] }) !== undefined;
  return [
    ...(isSelector ? [] : ["its labelSelector is not a valid selector"]),
    ...[...(pre ?? []), ...(post ?? [])].flatMap(execProblems),
  ];
}

function execProblems({ exec }: ExecHook): string[] {
  if (exec === undefined || exec === null) return ["a hook has no exec"];
  const { command = [], timeout = "" } = exec;
  const problems = command.length === 0 ? ["a hook has no command"] : [];
  if (timeout !== "" && !((parseDuration(timeout) ?? -1) >= 0))
    problems.push(`the timeout ${JSON.stringify(timeout)} is not a duration such as 30s`);
  return problems;
}
