// Flags that may be given several times.

/** commander's way to gather the values of a repeated flag. */
export function collect(value: string, list: readonly string[] | undefined): string[] {
  return [...(list ?? []), value];
}
