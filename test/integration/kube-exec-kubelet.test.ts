// The same through the code that real kubelets and container runtimes serve exec with: that our side of the channel
// protocol, and the kubelet that other tests play, are like theirs.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ExecResult, podExec } from "../../src/kube/exec.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { KubeError } from "../../src/kube/kube-errors.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";
import { execKubeletBinary } from "../support/peers.ts";
import { kubeletCertificate, registerNode } from "../support/played-kubelet.ts";
import { type RunningProcess, startProcess } from "../support/processes.ts";
import { type ServerRig, startServerRig } from "../support/server-rig.ts";

/** The pings of 20 s come every 20 ms. */
const hastyPings: Clock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(ms === 20_000 ? 20 : ms, callback),
};

describe("a command through a real kubelet's exec", { timeout: 240_000 }, () => {
  let rig: ServerRig;
  let kubelet: RunningProcess;

  before(async () => {
    rig = await startServerRig();
    const { certificatePem, privateKeyPem } = kubeletCertificate("node-1");
    const files = { certificate: join(rig.folder, "kubelet.pem"), key: join(rig.folder, "kubelet.key") };
    writeFileSync(files.certificate, certificatePem);
    writeFileSync(files.key, privateKeyPem);
    kubelet = await startProcess(execKubeletBinary(), {
      args: [files.certificate, files.key],
      isReady: (running) => running.output().includes("listening on port"),
    });
    await registerNode(rig.controlPlane, "node-1", Number(/port (\d+)/.exec(kubelet.output())?.[1]));
    await rig.makePod({ name: "web" });
  });

  after(async () => {
    await kubelet?.stop();
    await rig?.stop();
  });

  const run = async (
    command: readonly string[],
    timeoutMs = 30_000,
    clock: Clock = systemClock,
  ): Promise<ExecResult> => {
    const connection = connectToCluster(await rig.controlPlane.serviceAccountKubeconfig("velero", "stowage-server"));
    return await podExec(connection, clock)({ namespace: "app", pod: "web", container: "app", command, timeoutMs });
  };

  it("gives exit code and outputs", async () => {
    assert.deepEqual(await run(["true"]), { exitCode: 0, stdout: "", stderr: "" });
    assert.deepEqual(await run(["sh", "-c", "echo 'ü &'; echo wrong >&2; exit 7"]), {
      ...{ exitCode: 7, stdout: "ü &\n", stderr: "wrong\n" },
    });
  });

  it("gives the end of a long output", async () => {
    const { exitCode, stdout } = await run(["seq", "1", "200000"]);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^\[\d+ bytes before are left out\] [\d\n]*\n199999\n200000\n$/);
  });

  it("fails where the program is not there, and tells of a command that a signal ended", async () => {
    await assert.rejects(run(["no-such-program"]), (error) => {
      assert.ok(KubeError.is(error, "exec-failed"));
      assert.match(error.message, /no-such-program.*executable file not found/);
      return true;
    });
    assert.equal((await run(["sh", "-c", "kill -9 $$"])).exitCode, -1);
  });

  it("does not mind being asked whether the connection lives", async () => {
    assert.deepEqual(await run(["sh", "-c", "sleep 0.5; echo slept"], 25_000, hastyPings), {
      ...{ exitCode: 0, stdout: "slept\n", stderr: "" },
    });
  });

  it("ends when its time is over", async () => {
    await assert.rejects(run(["sleep", "20"], 300), (error) => KubeError.is(error, "timed-out"));
  });
});
