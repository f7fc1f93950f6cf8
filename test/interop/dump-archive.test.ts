// Folders as archives, by both programs: tar has the same bytes, zip the same entries, and tar restores what was backed up.
import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { systemCalls } from "../../repo-format/file-tree/system-calls.ts";
import { type Answer, BothPrograms } from "../support/both-programs.ts";
import { makeCheapRepository } from "../support/cheap-repository.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { seededBytes } from "../support/memory-repository.ts";
import { runProcess } from "../support/processes.ts";
import { resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";
import { readZip } from "../support/zip-reader.ts";

let both: BothPrograms;

before(async () => {
  both = new BothPrograms(makeTemporaryDirectory("dump-archive"));
  await makeCheapRepository(both.repository);
  writeSource(both.source);
  await resticMust(["backup", both.source], { repository: both.repository });
});
after(() => removeDirectory(both.folder));

/** Everything that archives have fields, records or quirks for; times in whole seconds, for tar has no others here. */
function writeSource(source: string): void {
  mkdirSync(join(source, "folder", "empty"), { recursive: true });
  mkdirSync(join(source, "d".repeat(90), "e".repeat(80)), { recursive: true });
  writeFileSync(join(source, "folder", "big"), Buffer.concat([seededBytes(1, 1_500_000), Buffer.alloc(700_000)]));
  writeFileSync(join(source, "d".repeat(90), "e".repeat(80), "f"), "split");
  writeFileSync(join(source, "n".repeat(150)), "long");
  writeFileSync(join(source, "folder", "ümlaut"), "umlaut");
  writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0x62, 0xff])]), "bytes");
  writeFileSync(join(source, "none"), "");
  writeFileSync(join(source, "old"), "before 1970");
  linkSync(join(source, "old"), join(source, "twin"));
  symlinkSync("../none", join(source, "folder", "link"));
  symlinkSync("t".repeat(150), join(source, "long-link"));
  chmodSync(join(source, "folder", "big"), 0o4751);
  chmodSync(join(source, "folder", "empty"), 0o1777);
  try {
    systemCalls.lsetxattr(Buffer.from(join(source, "none")), "user.note", Buffer.from("a\0=\n"));
  } catch {
    // A file system without extended attributes: then neither program sees one.
  }
  setTimes(Buffer.from(source));
  utimesSync(join(source, "old"), -5000, -5000);
}

function setTimes(path: Buffer): void {
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path, "buffer")) setTimes(Buffer.concat([path, Buffer.from("/"), name]));
  }
  lutimesSync(path, 1_600_000_000, 1_600_000_001);
}

/** Both write the archive beside their repositories. */
async function archives(words: readonly string[]): Promise<readonly [theirs: Answer, ours: Answer]> {
  const answers = await both.run(["dump", ...words, "--target", "@/archive"], { keep: true });
  for (const { code, stderr } of answers) assert.equal(code, 0, stderr);
  return answers;
}

const archiveOf = ({ folder }: Answer): Buffer => readFileSync(join(folder, "archive"));

describe("dump of folders", () => {
  it("writes tar with the bytes of restic's, which tar unpacks to what was backed up", async () => {
    const [theirs, ours] = await archives(["latest", both.source]);
    assert.ok(archiveOf(ours).equals(archiveOf(theirs)));
    const target = join(both.folder, "unpacked");
    mkdirSync(target);
    const { code, stderr } = await runProcess("tar", { args: ["-xpf", join(ours.folder, "archive"), "-C", target] });
    assert.equal(code, 0, stderr);
    // Hard links come as files of their own; our tar may be built without extended attributes.
    const options = { attributes: false, root: false, ignore: (path: string) => /^(old|twin)$/.test(path) };
    assert.deepEqual(compareTrees(both.source, join(target, both.source), options), []);
    for (const name of ["old", "twin"]) {
      assert.equal(readFileSync(join(target, both.source, name), "utf8"), "before 1970");
    }
  });

  it("writes zip with the entries of restic's", async () => {
    const [theirs, ours] = (await archives(["latest", both.source, "--archive", "zip"])).map((answer) =>
      readZip(archiveOf(answer)),
    );
    assert.ok((ours?.length ?? 0) > 10);
    assert.deepEqual(ours, theirs);
  });

  it("writes all of a snapshot for /, and folders of a folder of a snapshot without its name", async () => {
    for (const words of [
      ["latest", "/"],
      [`latest:${both.source}`, "/"],
      [`latest:${both.source}`, "folder"],
    ]) {
      const [theirs, ours] = await archives(words);
      assert.ok(archiveOf(ours).equals(archiveOf(theirs)), words.join(" "));
    }
  });

  it("ends with 1 for unknown formats, paths that are not there, and what is neither file nor folder", async () => {
    for (const words of [
      ["latest", "/", "--archive", "rar"],
      ["latest", "/no/such/place"],
      ["latest", join(both.source, "long-link")],
      ["latest", ""],
    ]) {
      for (const { code } of await both.run(["dump", ...words])) assert.equal(code, 1, words.join(" "));
    }
  });
});
