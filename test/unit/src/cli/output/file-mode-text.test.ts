import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileModeText } from "../../../../../src/cli/output/file-mode-text.ts";

describe("fileModeText", () => {
  it("writes modes as Go does", () => {
    const cases: [number, string][] = [
      [0o644, "-rw-r--r--"],
      [2147484141, "drwxr-xr-x"],
      [2148532735, "dtrwxrwxrwx"],
      [134218239, "Lrwxrwxrwx"],
      [67109284, "Drw-r--r--"],
      [69206436, "Dcrw-r--r--"],
      [33554852, "prw-r--r--"],
      [2 ** 23 + 2 ** 22 + 0o755, "ugrwxr-xr-x"],
      [0, "----------"],
    ];
    for (const [mode, text] of cases) assert.equal(fileModeText(mode), text);
  });
});
