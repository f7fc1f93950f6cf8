import assert from "node:assert/strict";
import { test } from "node:test";
import { readDoctorConfig } from "../../../../agent/doctor/doctor-config.ts";

test("NODE_NAME tells that it runs in the agent's pod, whose settings it takes", () => {
  const env = { NODE_NAME: "n", VELERO_NAMESPACE: "backup", VELERO_SCRATCH_DIR: "/tmp", KUBERNETES_SERVICE_HOST: "x" };
  const config = readDoctorConfig(["--json"], env);
  assert.deepEqual(
    [config?.place, config?.nodeName, config?.namespace, config?.scratchDir, config?.cacheDirectory, config?.json],
    ["pod", "n", "backup", "/tmp", "/tmp/stowage-cache", true],
  );
});

test("elsewhere it is outside; flags that the agent knows and it does not are passed over with a warning", () => {
  const config = readDoctorConfig(["-n", "velero", "--host-pods-dir=/x", "--lock-timeout", "1m"], {});
  assert.deepEqual([config?.place, config?.namespace, config?.hostPodsDir], ["outside", "velero", "/x"]);
  assert.match(config?.warnings.join() ?? "", /--lock-timeout/);
  assert.equal(readDoctorConfig(["--help"], {}), undefined);
});
