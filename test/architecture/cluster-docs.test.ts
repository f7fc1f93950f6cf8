// The pages for operators and the program say the same: the closed list of reasons, the flags, the commands.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { conditionReasons, conditionTypes } from "../../src/api/conditions.ts";
import { annotations } from "../../src/api/names.ts";
import { serverUsage } from "../../src/server/server-config.ts";
import { runInProcess, runOnCluster } from "../support/in-process-cli.ts";

const page = (name: string): string => readFileSync(join(import.meta.dirname, "..", "..", "docs", name), "utf8");
const text = page("cluster.md");

/** Of kubectl, fsfreeze and stowage repo. */
const foreignFlags = new Set(["--from-file", "--overwrite", "--freeze", "--unfreeze", "--read-data"]);

/** Command lines of the examples, continued lines joined, and those inside of sentences. */
function commandsIn(document: string, nouns = "backup|restore|schedule|backup-location"): string[] {
  const joined = document.replaceAll(/\\\n\s*/g, "");
  const inCode = [...joined.matchAll(/^(?:[A-Z_]+=\S+ )*(stowage [^\n#]*)/gm)].map(([, words]) => words ?? "");
  const inline = [...document.matchAll(/`(stowage\s[^`]*)`/g)].map(([, words = ""]) => words.replaceAll(/\s+/g, " "));
  return [...inCode, ...inline].filter((words) => new RegExp(`^stowage (${nouns}) `).test(words));
}

async function unknownFlags(command: string): Promise<string[]> {
  const [, noun = "", verb = ""] = command.split(" ");
  const { code, stdout } = await runOnCluster([noun, verb, "--help"]);
  assert.ok(code === 0 && stdout.includes(`Usage: stowage ${noun} ${verb}`), `no such verb: ${command}`);
  const used = [...command.matchAll(/(?<= )(--[a-z-]+)/g)].map(([, flag = ""]) => flag);
  return used.filter((flag) => !new RegExp(`${flag}\\b`).test(stdout));
}

test("every condition and every reason is in docs/cluster.md", () => {
  const missing = [...Object.keys(conditionTypes), ...Object.keys(conditionReasons)].filter(
    (word) => !new RegExp(`[| \`]${word}[| \`]`).test(text),
  );
  assert.deepEqual(missing, []);
});

test("the commands of docs/cluster.md and docs/how-to.md exist, with their flags", async () => {
  const commands = [...commandsIn(text), ...commandsIn(page("how-to.md"))];
  assert.ok(commands.length > 25, `${commands.length} commands`);
  for (const command of commands) assert.deepEqual(await unknownFlags(command), [], command);
});

test("the verbs of stowage repo in docs/how-to.md exist, with their flags", async () => {
  const commands = commandsIn(page("how-to.md"), "repo");
  assert.ok(commands.length > 4, `${commands.length} commands`);
  for (const command of commands) {
    const [, verb = "", ...rest] = command.split(" ").slice(1);
    const words = verb === "key" ? [verb, rest[0] ?? ""] : [verb];
    const { code, stdout } = await runInProcess([...words, "--help"], {});
    assert.ok(code === 0 && stdout.includes(`Usage: stowage repo ${words.join(" ")}`), `no such verb: ${command}`);
    const flags = rest.filter((word) => word.startsWith("--"));
    assert.deepEqual(
      flags.filter((flag) => !stdout.includes(flag)),
      [],
      command,
    );
  }
});

test("a flag that does not exist is found", async () => {
  assert.deepEqual(await unknownFlags("stowage backup create x --include-namespaces a --no-such"), ["--no-such"]);
});

test("other flags in docs/cluster.md are the server's", async () => {
  const ofCommands = (
    await Promise.all(["create", "get", "describe", "delete", "download", "logs"].map(helpOf))
  ).join();
  const outside = commandsIn(text).reduce(
    (rest, command) => rest.replaceAll(command, ""),
    text.replaceAll(/\\\n\s*/g, ""),
  );
  const flags = new Set([...outside.matchAll(/(?<![\w-])(--[a-z][a-z-]+)/g)].map(([, flag = ""]) => flag));
  const known = (flag: string): boolean =>
    foreignFlags.has(flag) || serverUsage.includes(flag) || new RegExp(`${flag}\\b`).test(ofCommands);
  assert.deepEqual(
    [...flags].filter((flag) => !known(flag)),
    [],
  );
});

async function helpOf(verb: string): Promise<string> {
  const nouns = ["backup", "restore", "schedule", "backup-location"];
  const helps = await Promise.all(nouns.map(async (noun) => (await runOnCluster([noun, verb, "--help"])).stdout));
  return helps.join();
}

test("our annotations in docs/cluster.md are those of the program", () => {
  const named = new Set([...text.matchAll(/stowage\.dev\/[a-z-]+/g)].map(([name]) => name));
  const known = new Set<string>(Object.values(annotations));
  assert.deepEqual(
    [...named].filter((name) => !known.has(name)),
    [],
  );
});
