// A lock file says that a process uses the repository (restic design, *Locks*). restic reads the fields below and ignores
// others, so `extra` may tell people which pod holds the lock.
import { jsonObject, StoredObject, unlessEmpty } from "./stored-json.ts";
import type { TimeText } from "./time.ts";

export interface LockFile {
  readonly time: TimeText;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Further texts for people (pod, node, program); only texts are read back. */
  readonly extra?: Readonly<Record<string, string>>;
}

export function encodeLockFile(lock: LockFile): Buffer {
  const text = jsonObject([
    ["time", lock.time],
    ["exclusive", lock.exclusive],
    ["hostname", lock.hostname],
    ["username", lock.username],
    ["pid", lock.pid],
    ["uid", unlessEmpty(lock.uid)],
    ["gid", unlessEmpty(lock.gid)],
    ...Object.entries(lock.extra ?? {}),
  ]);
  return Buffer.from(text, "utf8");
}

/** @throws RepositoryError "lock-malformed" when a field is missing or has the wrong type. */
export function decodeLockFile(bytes: Uint8Array): LockFile {
  const stored = new StoredObject(bytes, "lock-malformed", "the lock file");
  const lock = {
    time: stored.time("time"),
    exclusive: stored.flag("exclusive"),
    hostname: stored.text("hostname"),
    username: stored.text("username"),
    pid: stored.uint("pid", Number.MAX_SAFE_INTEGER),
    uid: stored.uint("uid", 0xffff_ffff),
    gid: stored.uint("gid", 0xffff_ffff),
  };
  const extra = Object.entries(stored.unknown()).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return extra.length === 0 ? lock : { ...lock, extra: Object.fromEntries(extra) };
}
