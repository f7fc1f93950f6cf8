// Runs one command line in restic and in ours, each on a repository of its own with the same content, so that the tests
// can hold one answer against the other.
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCheapRepository } from "./cheap-repository.ts";
import { restic, resticMust } from "./restic.ts";
import { type StowageResult, stowage } from "./stowage-cli.ts";

/** Restic stores the number of the device with every node; ours only with hard links, as restic will one day. */
const likeOurs = { RESTIC_FEATURES: "device-id-for-hardlinks=true", TZ: "UTC" };

export interface Answer extends Pick<StowageResult, "code" | "stdout" | "stderr" | "messages"> {
  /** The repository after the command, when it is kept. */
  readonly repository: string;
  /** The folder beside it, where a command may write; "@" in an argument stands for it. */
  readonly folder: string;
}

export interface BothOptions {
  /** Keep the two copies of the repository that the commands worked on. Default false. */
  readonly keep?: boolean;
  /** Work on the copies that were kept then, which are kept further on. */
  readonly on?: readonly [restic: Answer, ours: Answer];
  readonly cwd?: string;
  /** Run in the folder beside the repository. */
  readonly ownFolder?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly password?: string;
  /** Given to each on standard input. */
  readonly input?: string | Uint8Array;
}

export class BothPrograms {
  readonly folder: string;
  readonly repository: string;
  /** The directory that the snapshots are of. */
  readonly source: string;
  #runs = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.repository = join(folder, "repository");
    this.source = join(folder, "source");
  }

  /** A repository with three snapshots by restic: two of host one, one of host two, each with a new file and tags. */
  static async create(folder: string): Promise<BothPrograms> {
    const both = new BothPrograms(folder);
    await makeCheapRepository(both.repository);
    writeSource(both.source);
    const days = [
      ["2026-01-01", "one"],
      ["2026-01-02", "one"],
      ["2026-01-03", "two"],
    ] as const;
    for (const [index, [day, host]] of days.entries()) {
      writeFileSync(join(both.source, `added-${index}`), `file of day ${index}`);
      const flags = ["--time", `${day} 10:00:00`, "--host", host, "--tag", `all,t${index}`];
      await resticMust(["backup", both.source, ...flags], { repository: both.repository, env: likeOurs });
    }
    return both;
  }

  /** Each works on a copy of the repository. */
  async run(args: readonly string[], options: BothOptions = {}): Promise<readonly [restic: Answer, ours: Answer]> {
    this.#runs++;
    const [theirs, ours] = options.on ?? [this.#copy("restic"), this.#copy("ours")];
    return Promise.all([
      runOne(restic, args, { ...options, ...theirs }),
      runOne(stowage, args, { ...options, ...ours }),
    ]);
  }

  #copy(program: string): { readonly folder: string; readonly repository: string } {
    const folder = join(this.folder, `${program}-${this.#runs}`);
    const repository = join(folder, "repository");
    cpSync(this.repository, repository, { recursive: true });
    return { folder, repository };
  }
}

async function runOne(
  run: typeof restic | typeof stowage,
  args: readonly string[],
  options: BothOptions & { readonly folder: string; readonly repository: string },
): Promise<Answer> {
  const { keep = options.on !== undefined, env = {}, password = "password", cwd, input, folder, repository } = options;
  const words = args.map((word) => word.replaceAll("@", folder));
  const place = {
    ...(options.ownFolder ? { cwd: folder } : cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? {} : { input }),
  };
  const result = await run(words, { repository, password, env: { ...likeOurs, ...env }, ...place });
  if (!keep) rmSync(folder, { recursive: true });
  const { code, stdout, stderr, messages } = result;
  return { code, stdout, stderr, messages, repository, folder };
}

function writeSource(source: string): void {
  mkdirSync(join(source, "sub", "deep"), { recursive: true });
  writeFileSync(join(source, "hello.txt"), "hello");
  writeFileSync(join(source, "empty"), "");
  writeFileSync(join(source, "sub", "b.log"), "x".repeat(5000));
  writeFileSync(join(source, "sub", "deep", "c"), "deep");
  symlinkSync("hello.txt", join(source, "link"));
}
