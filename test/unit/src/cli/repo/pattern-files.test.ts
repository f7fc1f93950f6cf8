import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readPatternFiles } from "../../../../../src/cli/repo/pattern-files.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

describe("readPatternFiles", () => {
  it("drops comments and blanks, and expands variables as restic does", async (t) => {
    const file = join(temporaryDirectory(t), "patterns");
    const lines = ["\uFEFF# comment\r", "\r", "  *.tmp \r", "$HOME/cache", "$" + "{HOME}x", "$NONE/y", "5$$", ""];
    writeFileSync(file, lines.join("\n"));
    const patterns = await readPatternFiles([file], { HOME: "/home/ann" });
    assert.deepEqual(patterns, ["*.tmp", "/home/ann/cache", "/home/annx", "/y", "5$"]);
    assert.deepEqual(await readPatternFiles(undefined, {}), []);
  });

  it("names a file that cannot be read", async () => {
    await assert.rejects(readPatternFiles(["/no/such/file"], {}), /cannot read the pattern file \/no\/such\/file/);
  });
});
