import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../../../src/platform/logger.ts";
import { SecretValues } from "../../../../src/platform/redaction.ts";

function collect(format: "text" | "json", secrets = new SecretValues()) {
  const lines: string[] = [];
  const log = createLogger({ level: "info", format, secrets, write: (line) => void lines.push(line) });
  return { lines, log };
}

test("a JSON line carries level, message, facts and the child's facts", () => {
  const { lines, log } = collect("json");
  log.child({ node: "n1" }).warn("slow", { seconds: 3 });
  const [line = ""] = lines;
  const { time, ...rest } = JSON.parse(line);
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(rest, { level: "warn", msg: "slow", node: "n1", seconds: 3 });
});

test("a text line is key=value with quotes only where they are needed", () => {
  const { lines, log } = collect("text");
  log.info("hello you", { path: "/a/b", reason: "two words", count: 2 });
  assert.match(lines[0] ?? "", /^time="[^"]+" level=info msg="hello you" path=\/a\/b reason="two words" count=2\n$/);
});

test("lines below the level are not written", () => {
  const { lines, log } = collect("text");
  log.debug("nobody sees this");
  assert.deepEqual(lines, []);
});

test("no secret gets into a line, whether by field name, by value or inside a URL", () => {
  const secrets = new SecretValues();
  secrets.add("hunter2hunter2");
  for (const format of ["text", "json"] as const) {
    const { lines, log } = collect(format, secrets);
    log.error("login with hunter2hunter2 failed", {
      password: "swordfish",
      nested: { secretAccessKey: "wJalrXUtnFEMI" },
      url: "https://me:swordfish@host/",
    });
    assert.doesNotMatch(lines.join(""), /hunter2|swordfish|wJalr/);
  }
});
