// restic and ours: the same words for everything.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { runUnmeasured } from "./run-unmeasured.ts";
import { type BackupOptions, type Place, password, type Session, type Words } from "./session.ts";

export class ResticSession implements Session {
  readonly env: Readonly<Record<string, string>>;
  readonly #program: Words;
  readonly #cache: string;

  /** @param program the words before a verb. */
  constructor(program: Words, place: Place, scratch: string) {
    this.#cache = join(scratch, "cache");
    this.#program = [...program, "--quiet", "--cache-dir", this.#cache];
    this.env = {
      ...(place.kind === "s3" ? place.env : {}),
      RESTIC_PASSWORD: password,
      RESTIC_REPOSITORY: place.kind === "s3" ? `s3:${place.endpoint}/${place.bucket}/${place.prefix}` : place.path,
    };
  }

  async init(): Promise<void> {
    await this.#run("init");
  }

  open(): Words {
    return [...this.#program, "cat", "config"];
  }

  backup(source: string, { noExtraVerify = false }: BackupOptions = {}): Words {
    return [...this.#program, "backup", source, ...(noExtraVerify ? ["--no-extra-verify"] : [])];
  }

  async restore(source: string, target: string): Promise<Words> {
    return [...this.#program, "restore", `latest:${source}`, "--target", target];
  }

  checkReadData(): Words {
    return [...this.#program, "check", "--read-data"];
  }

  check(): Words {
    return [...this.#program, "check"];
  }

  listSnapshots(): Words {
    return [...this.#program, "snapshots"];
  }

  async makeGarbage(source: string, patterns: readonly string[]): Promise<void> {
    await this.#run("backup", source, ...patterns.flatMap((pattern) => ["--exclude", pattern]));
    await this.#run("forget", "--keep-last", "1");
  }

  prune(): Words {
    return [...this.#program, "prune"];
  }

  forgetCache(): void {
    rmSync(this.#cache, { recursive: true, force: true });
  }

  async #run(...words: string[]): Promise<void> {
    await runUnmeasured([...this.#program, ...words], this.env);
  }
}
