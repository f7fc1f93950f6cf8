import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { collectSources } from "../../../../../src/cli/repo/backup-sources.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

const silent = (): void => undefined;

describe("collectSources", () => {
  it("reads lists with wildcards, comments and blanks, and says what matches nothing", async (t) => {
    const folder = temporaryDirectory(t);
    mkdirSync(join(folder, "in"));
    for (const name of ["a.txt", "b.txt", "c.log"]) writeFileSync(join(folder, "in", name), "");
    const list = join(folder, "list");
    writeFileSync(list, `# comment\n\n  ${folder}/in/*.txt  \n${folder}/in/c.log\n${folder}/in/*.none\n/no such\n`);
    const warnings: string[] = [];
    const sources = await collectSources(["first"], { filesFrom: [list] }, (message) => warnings.push(message));
    assert.deepEqual(sources, ["first", ...["a.txt", "b.txt", "c.log"].map((name) => `${folder}/in/${name}`)]);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? "", /\*\.none" of .* matches nothing/);
    assert.match(warnings[1] ?? "", /"\/no such" of .* matches nothing/);
  });

  it("takes lines as they stand, and names of any bytes", async (t) => {
    const folder = temporaryDirectory(t);
    const [verbatim, raw] = [join(folder, "verbatim"), join(folder, "raw")];
    writeFileSync(verbatim, " # a *\n\n/b");
    writeFileSync(raw, Buffer.from("/x\0/\xff\n\0", "latin1"));
    const sources = await collectSources([], { filesFromVerbatim: [verbatim], filesFromRaw: [raw] }, silent);
    assert.deepEqual(sources.slice(0, 2), [" # a *", "/b"]);
    assert.deepEqual(sources.slice(2), [Buffer.from("/x"), Buffer.from("/\xff\n", "latin1")]);
  });

  it("refuses a list that is cut off, holds an empty name or cannot be read, and nothing at all", async (t) => {
    const folder = temporaryDirectory(t);
    for (const [name, text] of [
      ["cut", "/a\0/b"],
      ["empty", "/a\0\0"],
    ] as const) {
      writeFileSync(join(folder, name), text);
      await assert.rejects(collectSources([], { filesFromRaw: [join(folder, name)] }, silent), /--files-from-raw/);
    }
    await assert.rejects(collectSources([], { filesFrom: ["/no/such"] }, silent), /cannot read the list of files/);
    await assert.rejects(collectSources([], {}, silent), /nothing to back up/);
  });
});
