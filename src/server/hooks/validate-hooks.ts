// Refuses hooks in a spec that could never run, so that nobody learns it from a failed backup at night.
import type { BackupSpec } from "../../api/backup.ts";
import type { Container } from "../../api/core.ts";
import { labelSelectorProblems } from "../../api/label-selector.ts";
import type { RestoreHook, RestoreSpec } from "../../api/restore.ts";
import { parseDuration } from "../../platform/duration.ts";
import { patternProblems } from "../name-patterns/glob-pattern.ts";
import type { HookSelector } from "./hook-selector.ts";

/** Sentences for `status.validationErrors`; empty when all is well. */
export function validateBackupHooks(spec: BackupSpec["hooks"]): string[] {
  return (spec?.resources ?? []).flatMap((resource, index) => {
    const place = `spec.hooks.resources[${index}]`;
    const hooks = (["pre", "post"] as const).flatMap((when) =>
      (resource[when] ?? []).flatMap((hook, position) => {
        const at = `${place}.${when}[${position}]`;
        if (!hook.exec) return [`${at} has no exec`];
        return [
          ...commandProblems(`${at}.exec`, hook.exec.command),
          ...durationProblems(`${at}.exec`, hook.exec, ["timeout"]),
        ];
      }),
    );
    return [...selectorProblems(place, resource), ...hooks];
  });
}

/** Sentences for `status.validationErrors`; empty when all is well. */
export function validateRestoreHooks(spec: RestoreSpec["hooks"]): string[] {
  return (spec?.resources ?? []).flatMap((resource, index) => {
    const place = `spec.hooks.resources[${index}]`;
    const hooks = (resource.postHooks ?? []).flatMap((hook, position) =>
      restoreHookProblems(`${place}.postHooks[${position}]`, hook),
    );
    return [...selectorProblems(place, resource), ...hooks];
  });
}

function restoreHookProblems(place: string, { exec, init }: RestoreHook): string[] {
  if (!exec && !init) return [`${place} has neither exec nor init`];
  const problems: string[] = [];
  if (exec) {
    problems.push(...commandProblems(`${place}.exec`, exec.command));
    problems.push(...durationProblems(`${place}.exec`, exec, ["execTimeout", "waitTimeout"]));
  }
  for (const [index, container] of (init?.initContainers ?? []).entries()) {
    const { name, image } = (container ?? {}) as Partial<Container>;
    if (!name || !image) problems.push(`${place}.init.initContainers[${index}] needs a name and an image`);
  }
  return problems;
}

function selectorProblems(place: string, selector: HookSelector): string[] {
  const { labelSelector, includedNamespaces, excludedNamespaces } = selector;
  const namespaces = patternProblems([...(includedNamespaces ?? []), ...(excludedNamespaces ?? [])]);
  return [
    ...namespaces.map((problem) => `${place}: ${problem}`),
    ...labelSelectorProblems(labelSelector ?? {}).map((problem) => `${place}.labelSelector: ${problem}`),
  ];
}

function commandProblems(place: string, command: readonly string[] | undefined): string[] {
  return command === undefined || command.length === 0 ? [`${place}.command is empty`] : [];
}

function durationProblems(place: string, hook: object, fields: readonly string[]): string[] {
  return fields.flatMap((field) => {
    const text = (hook as Readonly<Record<string, string | undefined>>)[field] ?? "";
    const isGood = text === "" || (parseDuration(text) ?? -1) >= 0;
    return isGood ? [] : [`${place}.${field} ${JSON.stringify(text)} is not a duration such as 30s`];
  });
}
