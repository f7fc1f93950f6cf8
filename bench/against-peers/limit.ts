// The least time that a step can take on this machine: the kernels that it cannot do without, each at the speed that it has
// by itself, on all cores at once. What opens sealed data again before it is sent is not in it.
import type { Contents } from "../corpus.ts";
import type { KernelRates } from "../micro/kernels.ts";

export type LimitedStep = "backup" | "restore" | "check";

export interface Work {
  readonly contents: Contents;
  /** Of our repository after the first backup. */
  readonly storedBytes: number;
  readonly cores: number;
}

/** Wall seconds. Says nothing of what files cost besides their bytes. */
export function limitSeconds(step: LimitedStep, work: Work, rates: KernelRates): number {
  const { contents, storedBytes, cores } = work;
  const { bytes, textBytes } = contents;
  const read = (amount: number): number => amount / rates["read 1 MiB from the page cache"];
  const write = (amount: number): number => amount / rates["write 1 MiB to a new file"];
  const hash = bytes / rates["SHA-256 of 1 MiB"];
  const hashPacks = storedBytes / rates["SHA-256 of a pack, 1 MiB at a time"];
  const unseal = storedBytes / rates["open 1 MiB"] + textBytes / rates["unzstd to 1 MiB of text"];
  const coreSeconds: Record<LimitedStep, number> = {
    backup:
      read(bytes) +
      bytes / rates["cut 8 MiB (FastCDC)"] +
      hash +
      textBytes / rates["zstd of 1 MiB of text"] +
      (bytes - textBytes) / rates["zstd of 1 MiB that does not compress"] +
      storedBytes / rates["seal 1 MiB (AES-256-CTR, Poly1305)"] +
      hashPacks +
      write(storedBytes),
    restore: read(storedBytes) + unseal + hash + write(bytes),
    check: read(storedBytes) + hashPacks + unseal + hash,
  };
  return coreSeconds[step] / cores;
}
