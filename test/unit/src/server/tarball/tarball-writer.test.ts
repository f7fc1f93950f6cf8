import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTarball } from "../../../../../src/server/tarball/tarball-writer.ts";
import { readTarball } from "../../../../support/tarballs.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

const pods = { group: "", version: "v1", plural: "pods", kind: "Pod", isNamespaced: true };
const crds = {
  group: "apiextensions.k8s.io",
  version: "v1",
  plural: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  isNamespaced: false,
};
const pod = (name: string, extra: object = {}) => ({
  ...{ apiVersion: "v1", kind: "Pod" },
  metadata: { namespace: "shop", name },
  ...extra,
});

test("a tarball has the version first and each object twice, as plain files with mode 0755", async (t) => {
  const folder = temporaryDirectory(t);
  const tarball = await createTarball(folder);
  await tarball.add(pods, pod("web", { status: { phase: "Running" } }));
  await tarball.add(crds, { apiVersion: "apiextensions.k8s.io/v1", kind: crds.kind, metadata: { name: "a.b.c" } });
  const { path, sizeBytes } = await tarball.finish();
  const bytes = readFileSync(path);
  assert.equal(sizeBytes, bytes.length);
  assert.equal(statSync(path).mode & 0o777, 0o600, "Secrets lie in it");
  const entries = await readTarball(bytes);
  assert.deepEqual(
    [...entries.keys()],
    [
      "metadata/version",
      "resources/pods/namespaces/shop/web.json",
      "resources/pods/v1-preferredversion/namespaces/shop/web.json",
      "resources/customresourcedefinitions.apiextensions.k8s.io/cluster/a.b.c.json",
      "resources/customresourcedefinitions.apiextensions.k8s.io/v1-preferredversion/cluster/a.b.c.json",
    ],
  );
  assert.equal(entries.get("metadata/version")?.content, "1.1.0\n");
  for (const { header } of entries.values()) assert.deepEqual([header.type, header.mode], ["file", 0o755]);
  const saved = entries.get("resources/pods/namespaces/shop/web.json")?.content ?? "";
  assert.deepEqual(JSON.parse(saved), pod("web", { status: { phase: "Running" } }));
  assert.equal(entries.get("resources/pods/v1-preferredversion/namespaces/shop/web.json")?.content, saved);
});

test("names of every length and objects larger than any buffer arrive whole, added all at once", async (t) => {
  const tarball = await createTarball(temporaryDirectory(t));
  const names = ["a", "b".repeat(100), "c".repeat(253)];
  const text = "0123456789".repeat(100_000);
  await Promise.all(names.map((name) => tarball.add(pods, pod(name, { text }))));
  const { path } = await tarball.finish();
  const entries = await readTarball(readFileSync(path));
  for (const name of names) {
    const { content = "" } = entries.get(`resources/pods/namespaces/shop/${name}.json`) ?? {};
    assert.equal((JSON.parse(content) as { text: string }).text, text, name.slice(0, 3));
  }
  assert.equal(entries.size, 1 + 2 * names.length);
});

test("discard leaves nothing, before the end and after it", async (t) => {
  const folder = temporaryDirectory(t);
  const unfinished = await createTarball(folder);
  await unfinished.add(pods, pod("web"));
  await unfinished.discard();
  const finished = await createTarball(folder);
  const { path } = await finished.finish();
  assert.ok(existsSync(path));
  await finished.discard();
  assert.deepEqual(readdirSync(folder), []);
});

test("a scratch folder that cannot be written is named, and nothing hangs", async (t) => {
  const folder = join(temporaryDirectory(t), "absent");
  await assert.rejects(createTarball(folder), { code: "scratch-unusable", message: /absent.*ENOENT/ });
});
