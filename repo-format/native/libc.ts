// The one door to libc: functions that Node lacks, by prototype, and the addresses of buffers.
import { createRequire } from "node:module";

export type NativeFunction = (...values: readonly unknown[]) => number;

export interface Libc {
  /** @returns undefined when this libc does not export the function (mknod before glibc 2.33). */
  find(prototype: string): NativeFunction | undefined;
  /** Of the last call of this thread. */
  errno(): number;
  /** Where the memory begins; it does not move, but may be freed once nothing in JavaScript refers to it. */
  addressOf(memory: Uint8Array): bigint;
}

/** Of this thread; undefined on platforms whose layouts were not checked, and where the add-on is not there. */
export const libc: Libc | undefined = isKnownPlatform() ? load() : undefined;

/** Only layouts that were checked: 64-bit time, offset, device numbers and pointers. */
function isKnownPlatform(): boolean {
  const architectures = ["x64", "arm64", "riscv64", "ppc64", "s390x", "loong64"];
  return process.platform === "linux" && architectures.includes(process.arch);
}

function load(): Libc | undefined {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    // The process itself: its libc, whichever it is, is loaded already.
    const library = koffi.load(null);
    const find = (prototype: string): NativeFunction | undefined => {
      try {
        return library.func(prototype) as NativeFunction;
      } catch {
        return undefined;
      }
    };
    return { find, errno: () => koffi.errno(), addressOf: (memory) => koffi.address(memory) };
  } catch {
    return undefined;
  }
}
