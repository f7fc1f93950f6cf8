import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { Readable } from "node:stream";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  type OpenTarballOptions,
  openTarball,
  type TarballContents,
} from "../../../../../src/server/tarball/tarball-reader.ts";
import { openFilesBelow } from "../../../../support/open-files.ts";
import { makeTarball, type TarballEntry } from "../../../../support/tarballs.ts";
import { type Scope, temporaryDirectory } from "../../../../support/temporary-directory.ts";

const version: TarballEntry = { name: "metadata/version", content: "1.1.0\n" };

function entry(path: string, object: unknown): TarballEntry {
  return { name: `resources/${path}.json`, content: JSON.stringify(object) };
}

const configMap = (namespace: string, name: string, extra: object = {}) => ({
  ...{ apiVersion: "v1", kind: "ConfigMap" },
  metadata: { namespace, name },
  ...extra,
});

interface Opening extends Partial<OpenTarballOptions> {
  readonly bytes?: Buffer;
}

/** Opens it, and checks that a failure leaves nothing in the scratch folder. */
async function open(t: Scope, entries: readonly TarballEntry[], options: Opening = {}): Promise<TarballContents> {
  const scratchDirectory = temporaryDirectory(t);
  const bytes = options.bytes ?? (await makeTarball(entries));
  const source = options.source ?? Readable.from([bytes]);
  const signal = options.signal ?? AbortSignal.timeout(20_000);
  let contents: TarballContents | undefined;
  try {
    contents = await openTarball({ ...options, source, scratchDirectory, signal });
    t.after(contents.close.bind(contents));
    return contents;
  } finally {
    assert.deepEqual(readdirSync(scratchDirectory), []);
    if (contents === undefined) assert.deepEqual(openFilesBelow(scratchDirectory), []);
  }
}

test("objects are listed by kind and read in any order; second places and other files are passed over", async (t) => {
  const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "system:x" } };
  const contents = await open(t, [
    version,
    { name: "metadata/other", content: "?" },
    { name: "resources/", type: "directory" },
    entry("configmaps/namespaces/a/one", configMap("a", "one")),
    entry("configmaps/v1-preferredversion/namespaces/a/one", configMap("a", "one")),
    entry("configmaps/namespaces/b/two", configMap("b", "two", { data: { key: "é" } })),
    entry("clusterroles.rbac.authorization.k8s.io/cluster/system:x", role),
    entry("clusterroles.rbac.authorization.k8s.io/v1-preferredversion/cluster/system:x", role),
  ]);
  assert.deepEqual(contents.groupResources, ["configmaps", "clusterroles.rbac.authorization.k8s.io"]);
  assert.equal(contents.count, 3);
  assert.deepEqual(contents.addresses("configmaps"), [
    { namespace: "a", name: "one" },
    { namespace: "b", name: "two" },
  ]);
  assert.deepEqual(contents.addresses("clusterroles.rbac.authorization.k8s.io"), [{ name: "system:x" }]);
  assert.deepEqual(contents.addresses("pods"), []);
  assert.deepEqual(await contents.read("clusterroles.rbac.authorization.k8s.io", { name: "system:x" }), role);
  const two = await contents.read("configmaps", { namespace: "b", name: "two" });
  assert.deepEqual(two, configMap("b", "two", { data: { key: "é" } }));
  await assert.rejects(contents.read("pods", { namespace: "a", name: "one" }), { code: "item-unreadable" });
});

test("integers keep all their digits", async (t) => {
  const text = '{"apiVersion":"x.io/v1","kind":"Big","metadata":{"name":"n"},"spec":{"at":1732212345678901234}}';
  const contents = await open(t, [version, { name: "resources/bigs.x.io/cluster/n.json", content: text }]);
  assert.equal(JSON.stringify(await contents.read("bigs.x.io", { name: "n" })), text);
});

test("a tarball of nothing is one, also of an old format version; without a version it needs objects", async (t) => {
  assert.equal((await open(t, [version])).count, 0);
  assert.equal((await open(t, [{ ...version, content: "1" }])).count, 0);
  assert.equal((await open(t, [entry("configmaps/namespaces/a/one", configMap("a", "one"))])).count, 1);
  await assert.rejects(open(t, []), { code: "tarball-damaged" });
  await assert.rejects(open(t, [{ name: "readme", content: "hello" }]), { code: "tarball-damaged" });
});

test("a tar that ends with its last byte is whole", async (t) => {
  const object = configMap("a", "one", { text: "x".repeat(1024) });
  const padded = configMap("a", "one", { text: "x".repeat(1024 + 512 - (JSON.stringify(object).length % 512)) });
  const tar = gunzipSync(await makeTarball([version, entry("configmaps/namespaces/a/one", padded)]));
  assert.equal(JSON.stringify(padded).length % 512, 0);
  const contents = await open(t, [], { bytes: gzipSync(tar.subarray(0, -1024)) });
  assert.deepEqual(await contents.read("configmaps", { namespace: "a", name: "one" }), padded);
});

test("a format of another major version is refused", async (t) => {
  for (const content of ["2.0.0\n", "", "11.0", "x"])
    await assert.rejects(open(t, [{ ...version, content }]), { code: "version-unknown" }, content);
});

test("bytes that are no gzip, no tar, cut off or changed are refused", async (t) => {
  const text = "x".repeat(10_000) + Math.random();
  const whole = await makeTarball([version, entry("configmaps/namespaces/a/one", configMap("a", "one", { text }))]);
  const changed = Buffer.from(whole);
  changed.writeUInt8((changed.at(-20) ?? 0) ^ 0xff, changed.length - 20);
  const damaged = [
    Buffer.alloc(0),
    Buffer.from("no gzip"),
    gzipSync("no tar".repeat(1000)),
    whole.subarray(0, -9),
    changed,
  ];
  for (const [index, bytes] of damaged.entries())
    await assert.rejects(open(t, [], { bytes }), { code: "tarball-damaged" }, `case ${index}`);
});

test("paths that lead elsewhere are refused by name", async (t) => {
  for (const path of ["pods/namespaces/../web", "pods/namespaces/shop/..", "../pods/namespaces/a/b", "pods//a/b"])
    await assert.rejects(open(t, [version, entry(path, {})]), { code: "path-unsafe" }, path);
});

test("links and devices are no objects", async (t) => {
  const name = "resources/pods/namespaces/a/b.json";
  const contents = await open(t, [version, { name, type: "symlink", linkname: "/etc/passwd" }]);
  assert.equal(contents.count, 0);
});

test("an object must be the one that its path says", async (t) => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["configmaps/namespaces/a/one", configMap("kube-system", "one")],
    ["configmaps/namespaces/a/one", configMap("a", "other")],
    ["configmaps/cluster/one", configMap("a", "one")],
    ["configmaps/namespaces/a/one", { ...configMap("a", "one"), apiVersion: "apps/v1" }],
    ["configmaps/namespaces/a/one", { metadata: { namespace: "a", name: "one" } }],
    ["configmaps/namespaces/a/one", [configMap("a", "one")]],
    ["configmaps/namespaces/a/one", null],
  ];
  for (const [path, object] of cases) {
    const contents = await open(t, [version, entry(path, object)]);
    const [address] = contents.addresses("configmaps");
    assert.ok(address !== undefined);
    await assert.rejects(contents.read("configmaps", address), { code: "item-unreadable" }, JSON.stringify(object));
  }
  const notJson = { name: "resources/configmaps/namespaces/a/one.json", content: "{" };
  const contents = await open(t, [version, notJson]);
  await assert.rejects(contents.read("configmaps", { namespace: "a", name: "one" }), {
    code: "item-unreadable",
    message: /configmaps a\/one in the tarball is not JSON/,
  });
});

test("more bytes, larger items and more items than the limits are refused while they are read", async (t) => {
  const many = Array.from({ length: 20 }, (_, index) => `n${index}`);
  const entries = many.map((name) => entry(`configmaps/namespaces/a/${name}`, configMap("a", name)));
  const large = entry("configmaps/namespaces/a/large", configMap("a", "large", { text: "x".repeat(50_000) }));
  const tooLarge = { code: "tarball-too-large" };
  await assert.rejects(open(t, entries, { limits: { items: 19 } }), tooLarge);
  await assert.rejects(open(t, [large], { limits: { itemBytes: 50_000 } }), tooLarge);
  await assert.rejects(open(t, [large], { limits: { bytes: 40_000 } }), tooLarge);
  assert.equal((await open(t, entries, { limits: { items: 20 } })).count, 20);
});

test("of a path that is there twice the later one counts", async (t) => {
  const path = "configmaps/namespaces/a/one";
  const contents = await open(t, [
    version,
    entry(path, configMap("a", "one")),
    entry(path, configMap("a", "one", { data: {} })),
  ]);
  assert.equal(contents.count, 1);
  assert.deepEqual(
    await contents.read("configmaps", { namespace: "a", name: "one" }),
    configMap("a", "one", { data: {} }),
  );
});

test("what the store says is passed on as it is", async (t) => {
  const failure = new Error("the store is away");
  const bytes = await makeTarball([version]);
  const source = Readable.from(
    (async function* fail() {
      yield bytes.subarray(0, 20);
      throw failure;
    })(),
  );
  await assert.rejects(open(t, [], { source }), (error) => error === failure);
});

test("an abort ends it with the signal's reason and closes the source", async (t) => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const source = new Readable({ read: () => setImmediate(() => controller.abort(reason)) });
  await assert.rejects(open(t, [], { source, signal: controller.signal }), (error) => error === reason);
  assert.ok(source.destroyed);
});
