import assert from "node:assert/strict";
import { test } from "node:test";
import { AccountNames } from "../../../../repo-format/file-tree/account-names.ts";

const passwd = `root:x:0:0:root:/root:/bin/sh
# a comment
broken
app:x:1000:1001::/home/app:/bin/false
twin:x:1000:1000::/:/bin/false
app:x:1005:1000::/:/bin/false
nobody:x:65534:65534::/:
odd:x:-5:0::/:
`;

test("users and groups are found by number and by name, the first entry wins", () => {
  const accounts = new AccountNames(passwd, "wheel:x:10:root,app\nroot:x:0:\n");
  assert.equal(accounts.userName(0), "root");
  assert.equal(accounts.userName(1000), "app");
  assert.equal(accounts.userId("app"), 1000);
  assert.equal(accounts.userId("twin"), 1000);
  assert.equal(accounts.groupName(10), "wheel");
  assert.equal(accounts.groupId("wheel"), 10);
});

test("what is unknown is empty or undefined, never a guess", () => {
  const accounts = new AccountNames(passwd, "");
  assert.equal(accounts.userName(4_294_967_294), "");
  assert.equal(accounts.userId("odd"), undefined);
  assert.equal(accounts.userId("broken"), undefined);
  assert.equal(accounts.groupName(0), "");
  assert.equal(accounts.groupId("root"), undefined);
});

test("this machine's files are read, or know nothing", () => {
  assert.ok(["root", ""].includes(AccountNames.ofThisMachine().userName(0)));
});
