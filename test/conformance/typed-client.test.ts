// The typed client against the real API server: every call, every refusal with its code, and watches over a server that
// comes and goes.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ConfigMap, Pod } from "../../src/api/core.ts";
import { configMaps, pods, podVolumeBackups } from "../../src/api/resources.ts";
import { discoverResources } from "../../src/kube/discovery.ts";
import { Informer } from "../../src/kube/informer.ts";
import { connectToCluster } from "../../src/kube/kube-connection.ts";
import { KubeError } from "../../src/kube/kube-errors.ts";
import { TypedClient, type WatchEvent } from "../../src/kube/typed-client.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { eventually } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const namespace = "typed-client";
let controlPlane: ControlPlane;
let client: TypedClient;

before(async () => {
  controlPlane = await startControlPlane();
  client = new TypedClient({ connection: connectToCluster(controlPlane.adminKubeconfig) });
  await controlPlane.must("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
});
after(() => controlPlane.stop());

const make = (name: string, labels: Readonly<Record<string, string>> = {}) =>
  client.create(configMaps, { metadata: { namespace, name, labels }, data: { key: "value" } });

test("create, get, merge patch, replace and delete do what they say", async () => {
  const created = await make("life");
  assert.equal(created.data?.key, "value");
  const address = { namespace, name: "life" };
  const patched = await client.mergePatch(configMaps, address, { data: { key: null, other: "x" } });
  assert.deepEqual(patched.data, { other: "x" });
  const replaced = await client.replace(configMaps, { ...patched, data: { whole: "new" } });
  assert.deepEqual((await client.get(configMaps, address)).data, replaced.data);
  await client.delete(configMaps, address);
  assert.equal(await client.find(configMaps, address), undefined);
  await client.delete(configMaps, address);
});

test("refusals have codes: absent, there already, changed meanwhile, invalid, no such resource", async () => {
  const name = "refused";
  const created = await make(name);
  await assert.rejects(client.get(configMaps, { namespace, name: "absent" }), { code: "not-found" });
  await assert.rejects(make(name), { code: "already-exists" });
  await client.mergePatch(configMaps, { namespace, name }, { data: { key: "newer" } });
  const stale = { metadata: { resourceVersion: created.metadata.resourceVersion }, data: { key: "older" } };
  await assert.rejects(client.mergePatch(configMaps, { namespace, name }, stale), { code: "conflict" });
  await assert.rejects(client.replace(configMaps, created), { code: "conflict" });
  await assert.rejects(make("Not A Name"), { code: "invalid" });
  await assert.rejects(client.list(podVolumeBackups, { namespace }), { code: "no-such-resource" });
});

test("an account without rights is refused with forbidden, and the message says what it wanted", async () => {
  const kubeconfig = await controlPlane.serviceAccountKubeconfig(namespace, "nobody");
  const nobody = new TypedClient({ connection: connectToCluster(kubeconfig) });
  await assert.rejects(nobody.list(pods), { code: "forbidden", message: /^cannot list pods: .*nobody/ });
});

test("a dry run checks everything and stores nothing", async () => {
  await client.create(configMaps, { metadata: { namespace, name: "dry" } }, { dryRun: true });
  assert.equal(await client.find(configMaps, { namespace, name: "dry" }), undefined);
});

test("list reads all pages, and selects by label and by field", async () => {
  for (let index = 0; index < 7; index++) await make(`page${index}`, { parity: index % 2 === 0 ? "even" : "odd" });
  const all = await client.list(configMaps, { namespace, pageSize: 3 });
  assert.ok(all.items.filter((item) => item.metadata.name.startsWith("page")).length === 7);
  const odd = await client.list(configMaps, { namespace, labelSelector: "parity=odd", pageSize: 2 });
  assert.deepEqual(odd.items.map((item) => item.metadata.name).sort(), ["page1", "page3", "page5"]);
  const one = await client.list(configMaps, { namespace, fieldSelector: "metadata.name=page2" });
  assert.equal(one.items.length, 1);
});

test("watch yields changes in order and ends when the server ends it", async () => {
  const { resourceVersion } = await client.list(configMaps, { namespace });
  const seen: string[] = [];
  const watching = (async () => {
    const events: AsyncGenerator<WatchEvent<ConfigMap>> = client.watch(configMaps, {
      ...{ namespace, resourceVersion, timeoutSeconds: 2 },
      fieldSelector: "metadata.name=watched",
    });
    for await (const event of events) if (event.type !== "BOOKMARK") seen.push(event.type);
  })();
  await make("watched");
  await client.mergePatch(configMaps, { namespace, name: "watched" }, { data: { a: "b" } });
  await client.delete(configMaps, { namespace, name: "watched" });
  await watching;
  assert.deepEqual(seen, ["ADDED", "MODIFIED", "DELETED"]);
});

test("discovery gives the same in two requests as group by group", async () => {
  const paths: string[] = [];
  const whole = await discoverResources({
    getPath: (path, options) => {
      paths.push(path);
      return client.getPath(path, options);
    },
  });
  const plain = await discoverResources({ getPath: (path, { signal } = {}) => client.getPath(path, { signal }) });
  assert.deepEqual(paths, ["/api", "/apis"]);
  assert.deepEqual(whole.resources, plain.resources);
  assert.deepEqual([whole.failures, plain.failures], [[], []]);
  assert.ok(whole.resources.length > 50, `${whole.resources.length} resources`);
  assert.equal(whole.find("deploy")?.kind, "Deployment");
  assert.equal(whole.find("hpa")?.version, "v2");
});

test("an aborted call ends at once with cancelled", async () => {
  const controller = new AbortController();
  const { resourceVersion } = await client.list(configMaps, { namespace });
  const options = { namespace, resourceVersion, timeoutSeconds: 60, signal: controller.signal };
  const watching = (async () => {
    for await (const _ of client.watch(configMaps, options));
  })();
  const checked = assert.rejects(watching, (error) => KubeError.is(error, "cancelled"));
  setImmediate(() => controller.abort());
  await checked;
});

/** Lets the test cut every connection to the API server. */
async function startProxy(targetPort: number): Promise<{ port: number; cut: () => void; close: () => void }> {
  const sockets = new Set<Socket>();
  const server: Server = createTcpServer((incoming) => {
    const outgoing = connect(targetPort, "127.0.0.1");
    for (const [socket, peer] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      // A side that was reset ends without an end: the other one must hear of it all the same.
      socket.on("close", () => {
        sockets.delete(socket);
        peer.destroy();
      });
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, cut, close: () => void server.close(cut) };
}

test("calls survive connections that are cut, and an informer misses nothing over a cut and a restart", async (t) => {
  const proxy = await startProxy(controlPlane.port);
  t.after(() => proxy.close());
  const kubeconfig = join(temporaryDirectory(t), "kubeconfig");
  const text = readFileSync(controlPlane.adminKubeconfig, "utf8");
  writeFileSync(kubeconfig, text.replaceAll(`127.0.0.1:${controlPlane.port}`, `127.0.0.1:${proxy.port}`));
  const proxied = new TypedClient({ connection: connectToCluster(kubeconfig) });
  const informer = new Informer<ConfigMap>({ client: proxied, resource: configMaps, namespace, log: silentLogger });
  const stop = new AbortController();
  t.after(() => stop.abort());
  const running = informer.run(stop.signal);
  await informer.synced;
  for (let round = 0; round < 5; round++) {
    await make(`cut${round}`);
    proxy.cut();
    await proxied.get(configMaps, { namespace, name: `cut${round}` });
  }
  await controlPlane.haltApiServer();
  await controlPlane.resumeApiServer();
  await client.delete(configMaps, { namespace, name: "cut0" });
  await make("after");
  await eventually("the informer knows it all", () => {
    const names = informer.list().map((object) => object.metadata.name);
    return names.includes("cut4") && names.includes("after") && !names.includes("cut0");
  });
  stop.abort();
  await running;
});

test("objects of other kinds keep their types", async () => {
  const pod: Pod = await client.create(pods, {
    metadata: { namespace, generateName: "typed-" } as never,
    spec: { containers: [{ name: "c", image: "none" }] },
  });
  assert.match(pod.metadata.name, /^typed-/);
});
