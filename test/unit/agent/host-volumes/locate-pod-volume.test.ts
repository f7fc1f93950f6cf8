import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { locatePodVolume } from "../../../../agent/host-volumes/locate-pod-volume.ts";
import type { Pod, Volume } from "../../../../src/api/core.ts";
import type { TypedClient } from "../../../../src/kube/typed-client.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

interface World {
  /** "plural/name" → object. */
  readonly objects?: Readonly<Record<string, object>>;
  /** Directories below volumes/. */
  readonly directories: readonly string[];
  readonly podAnnotations?: Readonly<Record<string, string>>;
}

async function locate(t: TestContext, volume: Volume, world: World) {
  const hostPodsDir = temporaryDirectory(t);
  const find = async ({ plural }: { plural: string }, { name }: { name: string }) =>
    world.objects?.[`${plural}/${name}`];
  const client = { find, get: find } as unknown as TypedClient;
  const annotations = world.podAnnotations ?? {};
  const hostUid = annotations["kubernetes.io/config.mirror"] ?? "u1";
  const volumes = join(hostPodsDir, hostUid, "volumes");
  for (const directory of world.directories) mkdirSync(join(volumes, directory), { recursive: true });
  const pod: Pod = {
    metadata: { namespace: "app", name: "web", uid: "u1", annotations },
    spec: { containers: [], volumes: [volume] },
  };
  const { path, mustBeMounted } = await locatePodVolume(pod, volume.name, { client, hostPodsDir });
  return { path: path.slice(volumes.length + 1), mustBeMounted };
}

const claimed = { name: "data", persistentVolumeClaim: { claimName: "c" } };
const claim = { metadata: { namespace: "app", name: "c" }, spec: { volumeName: "pv1" } };
const volumeOf = (spec: object, annotations = {}) => ({ metadata: { name: "pv1", annotations }, spec });

test("an emptyDir lies under its own name and need not be a mount point, unless it is in memory", async (t) => {
  const directories = ["kubernetes.io~empty-dir/data", "kubernetes.io~empty-dir/other"];
  const onDisk = await locate(t, { name: "data", emptyDir: {} }, { directories });
  assert.deepEqual(onDisk, { path: "kubernetes.io~empty-dir/data", mustBeMounted: false });
  const inMemory = await locate(t, { name: "data", emptyDir: { medium: "Memory" } }, { directories });
  assert.equal(inMemory.mustBeMounted, true);
});

test("an inline CSI volume lies in mount below its own name", async (t) => {
  const found = await locate(
    t,
    { name: "data", csi: { driver: "d" } },
    { directories: ["kubernetes.io~csi/data/mount"] },
  );
  assert.deepEqual(found, { path: "kubernetes.io~csi/data/mount", mustBeMounted: true });
});

test("a claim leads to its volume's name, with mount below it for CSI", async (t) => {
  const inTree = await locate(t, claimed, {
    objects: { "persistentvolumeclaims/c": claim, "persistentvolumes/pv1": volumeOf({ local: { path: "/x" } }) },
    directories: ["kubernetes.io~local-volume/pv1"],
  });
  assert.equal(inTree.path, "kubernetes.io~local-volume/pv1");
  const csi = await locate(t, claimed, {
    objects: { "persistentvolumeclaims/c": claim, "persistentvolumes/pv1": volumeOf({ csi: { driver: "d" } }) },
    directories: ["kubernetes.io~csi/pv1/mount"],
  });
  assert.deepEqual(csi, { path: "kubernetes.io~csi/pv1/mount", mustBeMounted: true });
});

test("an in-tree volume counts as CSI only when its driver is installed", async (t) => {
  for (const annotation of ["pv.kubernetes.io/provisioned-by", "pv.kubernetes.io/migrated-to"]) {
    const volume = volumeOf({}, { [annotation]: "ebs.csi.aws.com" });
    const objects = { "persistentvolumeclaims/c": claim, "persistentvolumes/pv1": volume };
    const migrated = await locate(t, claimed, {
      objects: { ...objects, "csidrivers/ebs.csi.aws.com": { metadata: { name: "ebs.csi.aws.com" } } },
      directories: ["kubernetes.io~csi/pv1/mount"],
    });
    assert.equal(migrated.path, "kubernetes.io~csi/pv1/mount");
    const plain = await locate(t, claimed, { objects, directories: ["kubernetes.io~aws-ebs/pv1"] });
    assert.equal(plain.path, "kubernetes.io~aws-ebs/pv1");
  }
});

test("a generic ephemeral volume is found through the claim that was generated for the pod, and only for this pod", async (t) => {
  const volume = { name: "data", ephemeral: {} };
  const generated = (ownerUid: string) => ({
    "persistentvolumeclaims/web-data": {
      metadata: { namespace: "app", name: "web-data", ownerReferences: [{ uid: ownerUid }] },
      spec: { volumeName: "pv1" },
    },
    "persistentvolumes/pv1": volumeOf({ csi: { driver: "d" } }),
  });
  const directories = ["kubernetes.io~csi/pv1/mount"];
  const found = await locate(t, volume, { objects: generated("u1"), directories });
  assert.equal(found.path, "kubernetes.io~csi/pv1/mount");
  await assert.rejects(locate(t, volume, { objects: generated("u2"), directories }), { code: "claim-missing" });
});

test("a static pod's directory has the name that its mirror's annotation tells", async (t) => {
  const podAnnotations = { "kubernetes.io/config.mirror": "hash1" };
  const directories = ["kubernetes.io~empty-dir/data"];
  const found = await locate(t, { name: "data", emptyDir: {} }, { directories, podAnnotations });
  assert.equal(found.path, "kubernetes.io~empty-dir/data");
});

test("none and two directories are both refused, with the pattern", async (t) => {
  const volume = { name: "data", emptyDir: {} };
  await assert.rejects(locate(t, volume, { directories: ["kubernetes.io~empty-dir/other"] }), {
    code: "no-directory",
    message: /^expected one matching path: .*\/u1\/volumes\/\*\/data, got 0$/,
  });
  await assert.rejects(locate(t, volume, { directories: ["a/data", "b/data"] }), { code: "several-directories" });
});

test("a block volume, an unbound claim and a missing claim are named", async (t) => {
  const block = { ...claim, spec: { volumeName: "pv1", volumeMode: "Block" } };
  const withClaim = (object: object) => ({ objects: { "persistentvolumeclaims/c": object }, directories: [] });
  await assert.rejects(locate(t, claimed, withClaim(block)), { code: "block-volume" });
  await assert.rejects(locate(t, claimed, withClaim({ ...claim, spec: {} })), { code: "claim-unbound" });
  await assert.rejects(locate(t, claimed, { directories: [] }), { code: "claim-missing" });
});

test("a link in the place of the directory is not followed", async (t) => {
  const hostPodsDir = temporaryDirectory(t);
  const plugin = join(hostPodsDir, "u1", "volumes", "kubernetes.io~empty-dir");
  mkdirSync(plugin, { recursive: true });
  symlinkSync("/etc", join(plugin, "data"));
  const pod: Pod = {
    metadata: { namespace: "app", name: "web", uid: "u1" },
    spec: { containers: [], volumes: [{ name: "data", emptyDir: {} }] },
  };
  const client = {} as TypedClient;
  await assert.rejects(locatePodVolume(pod, "data", { client, hostPodsDir }), { code: "no-directory" });
});
