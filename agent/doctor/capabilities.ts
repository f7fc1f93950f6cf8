// May this process read and write files of any owner? Root without these capabilities is a user like any other.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Check, type Finding, ok, type Patient, skipped, stopsWork, warning } from "./finding.ts";

export const capabilities: Check = { name: "capabilities", from: "pod", run: lookAtCapabilities };

/** Bits of CapEff. @see capabilities(7), linux/capability.h */
const bits = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  FSETID: 4,
  MKNOD: 27,
  SETFCAP: 31,
} as const;

type Capability = keyof typeof bits;

/** What a restored file loses without each. */
const lossOf: Readonly<Record<Exclude<Capability, "DAC_READ_SEARCH">, string>> = {
  DAC_OVERRIDE: "files in other owners' folders cannot be made",
  CHOWN: "owners",
  FOWNER: "modes and times of other owners' files",
  FSETID: "setgid bits",
  SETFCAP: "file capabilities",
  MKNOD: "device nodes",
};

async function lookAtCapabilities({ procFolder, restoreDevices }: Patient): Promise<Finding> {
  const status = await readFile(join(procFolder, "status"), "latin1").catch(() => "");
  const hex = /^CapEff:\s*([0-9a-f]+)$/im.exec(status)?.[1];
  if (hex === undefined) return skipped("this system does not tell the capabilities of a process");
  const effective = BigInt(`0x${hex}`);
  const has = (name: Capability): boolean => (effective & (1n << BigInt(bits[name]))) !== 0n;
  const remedyFor = (names: readonly string[]): string =>
    `let the container run as user 0 and add ${names.join(", ")} to securityContext.capabilities.add`;
  if (!has("DAC_READ_SEARCH") && !has("DAC_OVERRIDE")) {
    return stopsWork(
      "files of other owners cannot be read: DAC_READ_SEARCH is missing",
      remedyFor(["DAC_READ_SEARCH"]),
    );
  }
  const wanted = (Object.keys(lossOf) as (keyof typeof lossOf)[]).filter((name) => name !== "MKNOD" || restoreDevices);
  const missing = wanted.filter((name) => !has(name));
  if (missing.length === 0) return ok("files of any owner can be read and restored");
  const losses = missing.map((name) => `${name} (${lossOf[name]})`).join(", ");
  return warning(`backups work; restores lack ${losses}`, remedyFor(missing));
}
