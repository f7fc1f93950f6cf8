// Files that this process has open, also such as have no name any more.
import { readdirSync, readlinkSync } from "node:fs";

export function openFilesBelow(folder: string): string[] {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // It was the one that reads the list.
      return "";
    }
  });
  return links.filter((link) => link.startsWith(folder));
}
