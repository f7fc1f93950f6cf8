import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type PasswordSources, readPassword, splitWords } from "../../../../../src/cli/repo/password.ts";

const nothing: PasswordSources = { file: undefined, command: undefined, value: undefined, allowEmpty: false };
const prompt = { question: "?", confirm: false };

describe("readPassword", () => {
  it("takes a file's text without surrounding white space and byte-order mark, also in UTF-16", async () => {
    const folder = await mkdtemp(join(tmpdir(), "password-"));
    try {
      const file = join(folder, "p");
      for (const bytes of [
        Buffer.from(" geheim\n"),
        Buffer.from("\uFEFFgeheim"),
        Buffer.from("\uFEFFgeheim\r\n", "utf16le"),
      ]) {
        await writeFile(file, bytes);
        assert.equal(await readPassword({ ...nothing, file }, prompt), "geheim");
      }
      await writeFile(file, "\n");
      await assert.rejects(readPassword({ ...nothing, file }, prompt), /--insecure-no-password/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("takes a command's output", async () => {
    assert.equal(await readPassword({ ...nothing, command: `printf '%s' "a b"` }, prompt), "a b");
  });

  it("names a command or file that fails, never its output", async () => {
    await assert.rejects(
      readPassword({ ...nothing, command: "sh -c 'echo secret; exit 3'" }, prompt),
      (error: Error) => {
        assert.match(error.message, /"sh" failed \(3\)/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
    await assert.rejects(
      readPassword({ ...nothing, file: "/no/such/file" }, prompt),
      /cannot read the password file \/no\/such\/file/,
    );
  });

  it("refuses contradictions", async () => {
    await assert.rejects(readPassword({ ...nothing, file: "a", command: "b" }, prompt), /exclude each other/);
    await assert.rejects(
      readPassword({ ...nothing, value: "x", allowEmpty: true }, prompt),
      /excludes a given password/,
    );
    assert.equal(await readPassword({ ...nothing, allowEmpty: true }, prompt), "");
  });
});

describe("splitWords", () => {
  it("groups by quotes and backslashes", () => {
    assert.deepEqual(splitWords(`pass show 'back up' "a \\"b\\"" c\\ d`), ["pass", "show", "back up", 'a "b"', "c d"]);
    assert.deepEqual(splitWords("  "), []);
  });
});
