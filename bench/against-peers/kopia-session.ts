// kopia: zstd on, and its defaults otherwise. Its own maintenance, which may begin after any command, runs only when asked
// for: it would count against it.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { runUnmeasured } from "./run-unmeasured.ts";
import { type Place, password, type Session, type Words } from "./session.ts";

export class KopiaSession implements Session {
  readonly env: Readonly<Record<string, string>>;
  readonly #program: Words;
  readonly #place: Place;
  readonly #cache: string;

  constructor(program: string, place: Place, scratch: string) {
    const quiet = ["--no-progress", "--log-level=error", "--disable-file-logging", "--disable-content-log"];
    this.#program = [program, ...quiet, "--no-auto-maintenance"];
    this.#place = place;
    this.#cache = join(scratch, "cache");
    this.env = {
      ...(place.kind === "s3" ? place.env : {}),
      KOPIA_PASSWORD: password,
      KOPIA_CONFIG_PATH: join(scratch, "kopia.config"),
      KOPIA_CACHE_DIRECTORY: this.#cache,
      KOPIA_LOG_DIR: join(scratch, "log"),
      KOPIA_CHECK_FOR_UPDATES: "false",
      KOPIA_USE_KEYRING: "false",
    };
  }

  async init(): Promise<void> {
    const place = this.#place;
    if (place.kind === "directory") await this.#run("repository", "create", "filesystem", `--path=${place.path}`);
    else {
      const { host } = new URL(place.endpoint);
      const where = [`--bucket=${place.bucket}`, `--prefix=${place.prefix}/`, `--endpoint=${host}`];
      await this.#run("repository", "create", "s3", ...where, `--region=${place.env.AWS_REGION}`, "--disable-tls");
    }
    await this.#run("policy", "set", "--global", "--compression=zstd");
  }

  open(): Words {
    return [...this.#program, "repository", "status"];
  }

  backup(source: string): Words {
    return [...this.#program, "snapshot", "create", source];
  }

  async restore(source: string, target: string): Promise<Words> {
    const latest = (await this.#snapshots(source)).at(-1) ?? "none";
    return [...this.#program, "snapshot", "restore", latest, target];
  }

  checkReadData(): Words {
    return [...this.#program, "snapshot", "verify", "--verify-files-percent=100"];
  }

  check(): Words {
    return [...this.#program, "snapshot", "verify"];
  }

  listSnapshots(): Words {
    return [...this.#program, "snapshot", "list", "--all"];
  }

  async makeGarbage(source: string, patterns: readonly string[]): Promise<void> {
    await this.#run("policy", "set", source, ...patterns.map((pattern) => `--add-ignore=${pattern}`));
    await this.#run("snapshot", "create", source);
    const old = (await this.#snapshots(source)).slice(0, -1);
    for (const id of old) await this.#run("snapshot", "delete", id, "--delete");
  }

  /** Without the hours of waiting that protect writers on other machines: the others lock these out instead. */
  prune(): Words {
    return [...this.#program, "maintenance", "run", "--full", "--safety=none"];
  }

  forgetCache(): void {
    rmSync(this.#cache, { recursive: true, force: true });
  }

  /** Ids, oldest first. */
  async #snapshots(source: string): Promise<string[]> {
    const list = JSON.parse(await this.#run("snapshot", "list", source, "--json")) as { readonly id: string }[];
    return list.map(({ id }) => id);
  }

  #run(...words: string[]): Promise<string> {
    return runUnmeasured([...this.#program, ...words], this.env);
  }
}
