// JSON messages as Go's encoder makes them for restic: fields that say nothing are left out.

/** The fields without those that are 0, "", false, undefined or an empty list. */
export function omitEmpty(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  return value === 0 || value === "" || value === false || value === undefined || isEmptyList(value);
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
