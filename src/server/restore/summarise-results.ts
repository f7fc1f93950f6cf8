// The first errors of a run in one line, for those who only look at the resource.
import type { ResultList } from "../run-log/run-log.ts";

const shownErrors = 5;
const maxLength = 2000;

/** @param count of all errors, also of those that the list was too short for. */
export function summarise({ velero = [], cluster = [], namespaces = {} }: ResultList, count: number): string {
  const all = [...velero, ...cluster, ...Object.values(namespaces).flat()];
  const shown = all.slice(0, shownErrors);
  const hidden = count - shown.length;
  const text = [...shown, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join("; ");
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}
