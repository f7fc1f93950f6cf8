// Label values have at most 63 characters. Longer names are cut and made unique as Velero does it, so that both find
// each other's objects.

import { hash } from "node:crypto";

const maxLabelLength = 63;

/** The name itself, or its first 57 characters followed by the first 6 hexadecimal digits of its SHA-256. */
export function validName(name: string): string {
  if (name.length <= maxLabelLength) return name;
  return name.slice(0, maxLabelLength - 6) + hash("sha256", name, "hex").slice(0, 6);
}
