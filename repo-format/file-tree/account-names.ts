// Names of users and groups, as /etc/passwd and /etc/group have them. Accounts of a directory service are not found; the
// agent does not look names up at all, since its container's files say nothing about the volume.
import { readFileSync } from "node:fs";

/** One side of the account files: number → name and name → number; the first entry of a number or a name wins. */
interface Accounts {
  readonly nameOf: ReadonlyMap<number, string>;
  readonly idOf: ReadonlyMap<string, number>;
}

export class AccountNames {
  readonly #users: Accounts;
  readonly #groups: Accounts;

  constructor(passwd: string, group: string) {
    this.#users = parseAccounts(passwd);
    this.#groups = parseAccounts(group);
  }

  /** Reads this machine's files; one that cannot be read knows no names. */
  static ofThisMachine(): AccountNames {
    return new AccountNames(textOf("/etc/passwd"), textOf("/etc/group"));
  }

  /** "" when unknown, which is how a node stores it. */
  userName(uid: number): string {
    return this.#users.nameOf.get(uid) ?? "";
  }

  groupName(gid: number): string {
    return this.#groups.nameOf.get(gid) ?? "";
  }

  userId(name: string): number | undefined {
    return this.#users.idOf.get(name);
  }

  groupId(name: string): number | undefined {
    return this.#groups.idOf.get(name);
  }
}

/** passwd(5) and group(5) both have the name first and the number third. */
function parseAccounts(text: string): Accounts {
  const nameOf = new Map<number, string>();
  const idOf = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name, , number] = line.split(":");
    if (name === undefined || name === "" || number === undefined || !/^\d{1,10}$/.test(number)) continue;
    const id = Number(number);
    if (!nameOf.has(id)) nameOf.set(id, name);
    if (!idOf.has(name)) idOf.set(name, id);
  }
  return { nameOf, idOf };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // A container without the file: names stay unknown.
    return "";
  }
}
