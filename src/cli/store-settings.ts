// The -o settings: which of them a store knows, and what their values mean. As in restic, a setting of another kind of store
// is passed over, so that one command line fits all; a word that no store knows is refused, for it is a slip.
import { UsageError } from "./usage-error.ts";

export type StoreKind = "local" | "memory" | "s3";

const known: Readonly<Record<StoreKind, readonly string[]>> = {
  local: ["connections"],
  memory: [],
  s3: [
    "bucket-lookup",
    "connections",
    "list-objects-v1",
    "region",
    "retries",
    "storage-class",
    "unsafe-anonymous-auth",
    // Without effect: see below.
    ...["layout", "enable-restore", "restore-days", "restore-tier", "restore-timeout"],
  ],
};

/** Of restic's stores that this program does not have. */
const otherKinds: ReadonlySet<string> = new Set(["azure", "b2", "gs", "rclone", "rest", "sftp", "swift"]);

/** What was set for one kind of store; names without it. */
export class StoreSettings {
  readonly #kind: StoreKind;
  readonly #values: Readonly<Record<string, string>>;

  /**
   * @param settings "kind.name" and value.
   * @throws UsageError for a name that nobody knows.
   */
  constructor(kind: StoreKind, settings: Readonly<Record<string, string>>) {
    this.#kind = kind;
    for (const key of Object.keys(settings)) refuseUnknown(kind, key);
    this.#values = settings;
    // Archived packs are not fetched back; a store that holds any says so itself.
    if (this.flag("enable-restore"))
      throw this.#wrong(
        "enable-restore",
        "objects in an archive class are not restored; restore them in the store first",
      );
  }

  text(name: string): string | undefined {
    return this.#values[`${this.#kind}.${name}`];
  }

  /** Go's words for true and false. @throws UsageError for any other */
  flag(name: string): boolean {
    const text = this.text(name) ?? "false";
    if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
    if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
    throw this.#wrong(name, "choose true or false");
  }

  /** @throws UsageError for what is no number, or below the least */
  count(name: string, least: number = 0): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw this.#wrong(name, `give a whole number${least > 0 ? " above 0" : ""}`);
  }

  /** @throws UsageError for a word that is none of the choices */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    const found = choices.find((word) => word === text);
    if (text === undefined || found !== undefined) return found;
    throw this.#wrong(name, `choose ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`);
  }

  #wrong(name: string, advice: string): UsageError {
    return new UsageError(`-o ${this.#kind}.${name}=${this.text(name)}: ${advice}`);
  }
}

function refuseUnknown(kind: StoreKind, key: string): void {
  const [own = "", ...rest] = key.split(".");
  const isForeign = otherKinds.has(own) || (Object.hasOwn(known, own) && own !== kind);
  if (isForeign || (own === kind && known[kind].includes(rest.join(".")))) return;
  const all = Object.entries(known).flatMap(([name, settings]) => settings.map((setting) => `${name}.${setting}`));
  throw new UsageError(`-o ${key}: unknown setting; known are ${all.join(", ")}`);
}
