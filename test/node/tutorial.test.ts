// docs/tutorial.md, typed from its first command to its last on a real node: what it shows is what is printed.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { playSteps, readSteps } from "../support/page-session.ts";
import { kubectlBinary, resticBinary } from "../support/peers.ts";
import { startS3Server } from "../support/s3-server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { buildStowageImage, busyboxImage } from "./support/images.ts";
import { RealNode } from "./support/real-node.ts";

const root = join(import.meta.dirname, "..", "..");
const bucket = "tutorial";

test("the tutorial can be followed to the letter", async (t) => {
  const steps = readSteps(readFileSync(join(root, "docs", "tutorial.md"), "utf8"));
  assert.ok(steps.length > 15, `${steps.length} commands`);
  const [image, node] = await Promise.all([buildStowageImage(), RealNode.start()]);
  t.after(() => node.stop());
  await node.importImage(image.tarFile);
  // What the workload asks for; no registry can be reached from here.
  await node.tagImage(busyboxImage, "docker.io/library/busybox:1.36");
  const s3 = await startS3Server({ buckets: [bucket], address: node.addresses.machine });
  t.after(() => s3.stop());
  const folder = temporaryDirectory(t, "tutorial");
  symlinkSync(join(root, "manifests"), join(folder, "manifests"));
  const env = {
    ...s3.env,
    PATH: [makePrograms(join(folder, "bin")), process.env.PATH].join(delimiter),
    KUBECONFIG: node.adminKubeconfig,
    S3_URL: s3.endpoint,
    BUCKET: bucket,
  };
  const onStep = (command: string, printed: string): void => t.diagnostic(`$ ${command}\n${printed}`);
  await playSteps(steps, { cwd: folder, env, onStep });
});

/** The programs that the reader has, under the names by which the page calls them. */
function makePrograms(folder: string): string {
  mkdirSync(folder);
  symlinkSync(kubectlBinary(), join(folder, "kubectl"));
  symlinkSync(resticBinary(), join(folder, "restic"));
  const stowage = join(folder, "stowage");
  writeFileSync(stowage, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "src", "main.ts")}" "$@"\n`);
  chmodSync(stowage, 0o755);
  return folder;
}
