// A node leaves nothing behind: neither when it is stopped nor when whoever started it is killed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { eventually, runProcess } from "../support/processes.ts";
import { removeDirectory } from "../support/temporary-directory.ts";
import { RealNode } from "./support/real-node.ts";

interface Traces {
  readonly processes: readonly string[];
  readonly devices: readonly string[];
  readonly mounts: readonly string[];
}

/** What this machine shows of a node: processes that were given its state folder, devices, mounts. */
async function tracesOf(state: string, prefix: string): Promise<Traces> {
  const commands = globSync("/proc/[0-9]*/cmdline").map(read);
  const { stdout } = await runProcess("ip", { args: ["-oneline", "address"] });
  return {
    processes: commands.filter((words) => words.includes(state)),
    devices: stdout.split("\n").filter((line) => line.includes(` ${prefix}.`)),
    mounts: read("/proc/self/mounts")
      .split("\n")
      .filter((line) => line.includes(state)),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended since.
    return "";
  }
}

const nothing: Traces = { processes: [], devices: [], mounts: [] };

test("a node that is stopped leaves no process, device, mount, folder or control group", async () => {
  const node = await RealNode.start();
  const { state, cgroup, addresses } = node;
  const before = await tracesOf(state, addresses.prefix);
  assert.ok(before.processes.length >= 5, before.processes.join("\n"));
  assert.equal(before.devices.length, 1);
  await node.stop();
  assert.deepEqual(await tracesOf(state, addresses.prefix), nothing);
  assert.ok(!existsSync(state));
  assert.deepEqual(globSync(`/sys/fs/cgroup/{,*/}${cgroup}`), []);
});

test("when its owner is killed every process, device and mount of the node goes with it", async () => {
  const module = join(import.meta.dirname, "support", "real-node.ts");
  const script = `
    const { RealNode } = await import(${JSON.stringify(module)});
    const node = await RealNode.start();
    console.log(JSON.stringify({ state: node.state, prefix: node.addresses.prefix }));
    setInterval(() => {}, 60_000);`;
  const owner = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  owner.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  await eventually("the node is up", () => said.includes("\n"), 120_000);
  const { state, prefix } = JSON.parse(said) as { state: string; prefix: string };
  assert.notDeepEqual(await tracesOf(state, prefix), nothing);
  owner.kill("SIGKILL");
  let left = nothing;
  await eventually("nothing is left", async () => {
    left = await tracesOf(state, prefix);
    return left.processes.length + left.devices.length + left.mounts.length === 0;
  }).catch((error: Error) => assert.fail(`${error.message}: ${JSON.stringify(left)}`));
  removeDirectory(state);
});
