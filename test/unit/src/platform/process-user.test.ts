import assert from "node:assert/strict";
import test from "node:test";
import { processUser } from "../../../../src/platform/process-user.ts";

test("processUser() has this process's numbers and no name where the system does not know its user", () => {
  const unknown = (): never => {
    throw new Error("uv_os_get_passwd returned ENOENT");
  };
  const expected = { username: "", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  assert.deepEqual(processUser(unknown), expected);
});

test("processUser() has a name and no negative numbers otherwise", () => {
  assert.deepEqual(
    processUser(() => ({ username: "me", uid: -1, gid: -1 })),
    { username: "me", uid: 0, gid: 0 },
  );
});
