import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type ExecRequest, type ExecResult, podExec } from "../../src/kube/exec.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { KubeError, type KubeErrorCode } from "../../src/kube/kube-errors.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { type CommandEnd, type PlayedCommand, type PlayedKubelet, playKubelet } from "../support/played-kubelet.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

/** The pings of 20 s come after 20 ms. */
const hastyPings: Clock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(ms === 20_000 ? 20 : ms, callback),
};

describe("a command in a container", { timeout: 120_000 }, () => {
  let rig: ServerRig;
  let kubelet: PlayedKubelet;
  const refusals: { status: number; text: string }[] = [];
  let play: (command: PlayedCommand) => CommandEnd | Promise<CommandEnd> = () => 0;

  before(async () => {
    rig = await startServerRig();
    kubelet = await playKubelet(rig.controlPlane, "node-1", {
      run: (command) => play(command),
      refuse: () => refusals.shift(),
    });
    await rig.makePod({ name: "web" });
  });

  after(async () => {
    await kubelet?.stop();
    await rig?.stop();
  });

  /** With the server's own rights. */
  const exec = async (change: Partial<ExecRequest> = {}, clock: Clock = systemClock): Promise<ExecResult> => {
    const connection = connectToCluster(await rig.controlPlane.serviceAccountKubeconfig("velero", "stowage-server"));
    return await podExec(
      connection,
      clock,
    )({
      ...{ namespace: "app", pod: "web", container: "app", command: ["true"], timeoutMs: 25_000 },
      ...change,
    });
  };

  const fails = async (code: KubeErrorCode, words: RegExp, change: Partial<ExecRequest> = {}): Promise<void> => {
    await assert.rejects(exec(change), (error) => {
      assert.ok(KubeError.is(error, code), String(error));
      assert.match(error.message, words);
      return true;
    });
  };

  it("runs with its words as they are, and gives exit code and both outputs", async () => {
    play = ({ stdout, stderr }) => {
      stdout("one\n");
      stderr("two");
      stdout("three");
      return 7;
    };
    const result = await exec({ command: ["sh", "-c", "echo 'a b' && x=1 ü & *"] });
    assert.deepEqual(result, { exitCode: 7, stdout: "one\nthree", stderr: "two" });
    assert.equal(kubelet.commands.at(-1), "app/web/app: sh -c echo 'a b' && x=1 ü & *");
    play = () => 0;
    assert.deepEqual(await exec(), { exitCode: 0, stdout: "", stderr: "" });
  });

  it("keeps the end of a long output", async () => {
    play = ({ stdout }) => {
      for (let line = 0; line < 2000; line++) stdout(`line ${String(line).padStart(94, ".")}\n`);
      return 0;
    };
    const { stdout } = await exec();
    assert.ok(stdout.endsWith("1999\n"));
    assert.match(stdout, /^\[183616 bytes before are left out\] /);
    assert.ok(stdout.length < 17_000);
  });

  it("keeps a silent connection alive", async () => {
    play = async ({ pinged }) => {
      await pinged;
      return 5;
    };
    assert.equal((await exec({}, hastyPings)).exitCode, 5);
  });

  it("ends when its time is over, and says that the command may go on", async () => {
    const ended = Promise.withResolvers<void>();
    play = ({ gone }) => {
      gone.addEventListener("abort", () => ended.resolve());
      return ended.promise.then(() => 0);
    };
    await fails("timed-out", /has not ended within 0.3s, and may go on running/, { timeoutMs: 300 });
    await ended.promise;
  });

  it("ends when it is aborted", async () => {
    const abort = new AbortController();
    play = ({ gone }) => {
      abort.abort();
      return new Promise((resolve) => gone.addEventListener("abort", () => resolve(0)));
    };
    await fails("cancelled", /cancelled/, { signal: abort.signal });
    await fails("cancelled", /cancelled/, { signal: abort.signal });
  });

  it("fails with what the kubelet says when the program is not there", async () => {
    play = () => ({ failure: 'exec: "nope": executable file not found in $PATH' });
    await fails("exec-failed", /executable file not found/, { command: ["nope"] });
  });

  it("fails when the connection ends before the command", async () => {
    play = () => "hangUp";
    await fails("unavailable", /before the command did/);
  });

  it("is tried again when the kubelet turns it away for now, and not when it refuses", async () => {
    play = () => 3;
    refusals.push({ status: 503, text: "too busy" }, { status: 429, text: "too busy" });
    assert.equal((await exec()).exitCode, 3);
    assert.equal(refusals.length, 0);
    refusals.push({ status: 500, text: "the container runtime is broken" }, { status: 500, text: "unasked" });
    await fails("unavailable", /the container runtime is broken/);
    assert.equal(refusals.pop()?.text, "unasked");
  });

  it("fails when nobody answers at the node's port", async () => {
    const other = await playKubelet(rig.controlPlane, "node-2");
    await other.stop();
    await rig.makePod({ name: "far", node: "node-2" });
    await fails("unavailable", /connection refused/, { pod: "far" });
  });

  it("fails with what the API server says when pod, container or node are not there", async () => {
    await fails("not-found", /pods "absent" not found/, { pod: "absent" });
    await fails("invalid", /container nobody is not valid/, { container: "nobody" });
    await rig.makePod({ name: "homeless", node: "" });
    await fails("invalid", /does not have a host assigned/, { pod: "homeless" });
    await rig.makePod({ name: "lost", node: "node-without-kubelet" });
    await fails("not-found", /node-without-kubelet/, { pod: "lost" });
  });
});
