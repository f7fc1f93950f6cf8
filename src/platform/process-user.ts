// Who this process runs as. In a container the user need not have a name: an image's /etc/passwd knows few.
import { userInfo } from "node:os";

export interface ProcessUser {
  /** "" when the system has no name for it. */
  readonly username: string;
  readonly uid: number;
  readonly gid: number;
}

/** @param lookUp the system's; throws when it has no entry for the user. */
export function processUser(lookUp: () => ProcessUser = userInfo): ProcessUser {
  const user = known(lookUp);
  // Windows knows no numbers and says -1.
  return { username: user.username, uid: Math.max(0, user.uid), gid: Math.max(0, user.gid) };
}

function known(lookUp: () => ProcessUser): ProcessUser {
  try {
    return lookUp();
  } catch {
    return { username: "", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  }
}
