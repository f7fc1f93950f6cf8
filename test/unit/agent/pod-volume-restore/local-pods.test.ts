import assert from "node:assert/strict";
import { test } from "node:test";
import { belongsTo, LocalPods } from "../../../../agent/pod-volume-restore/local-pods.ts";
import type { Pod } from "../../../../src/api/core.ts";
import type { PodVolumeRestore } from "../../../../src/api/pod-volume-restore.ts";
import type { ObjectChange } from "../../../../src/kube/object-store.ts";
import type { TypedClient } from "../../../../src/kube/typed-client.ts";

const pod: Pod = { metadata: { namespace: "app", name: "web", uid: "u1" } };
const restore = (uid: string) => ({ spec: { pod: { namespace: "app", name: "web", uid } } }) as PodVolumeRestore;

function localPods() {
  let listener: ((change: ObjectChange<Pod>) => void) | undefined;
  const informer = {
    get: (namespace: string, name: string) => (`${namespace}/${name}` === "app/web" ? pod : undefined),
    onChange: (given: (change: ObjectChange<Pod>) => void) => {
      listener = given;
    },
  };
  return { pods: new LocalPods(informer), change: (change: ObjectChange<Pod>) => listener?.(change) };
}

test("a pod of the same name with another uid is not the restore's pod", () => {
  const { pods } = localPods();
  assert.equal(pods.podOf(restore("u1")), pod);
  assert.equal(pods.podOf(restore("u2")), undefined);
  assert.equal(belongsTo(restore("u2"), pod), false);
  assert.equal(belongsTo(restore("u1"), pod), true);
  assert.equal(belongsTo(restore(""), pod), true);
});

test("a pod that nobody saw being deleted is looked for: gone, replaced, elsewhere, or not to be known", async () => {
  const { pods } = localPods();
  const restoreOf = (name: string, uid: string) =>
    ({ spec: { pod: { namespace: "app", name, uid } } }) as PodVolumeRestore;
  const asked: string[] = [];
  const find = async (_: unknown, { name }: { name: string }): Promise<Pod | undefined> => {
    asked.push(name);
    return name === "gone" ? undefined : { metadata: { namespace: "app", name, uid: "u9" } };
  };
  const restores = ["gone u3", "replaced u4", "elsewhere u9", "unknown ", "web u1"].map((words) =>
    restoreOf(words.split(" ")[0] ?? "", words.split(" ")[1] ?? ""),
  );
  const client = { find } as unknown as Pick<TypedClient, "find">;
  const gone = await pods.findGone(restores, client, AbortSignal.timeout(60_000));
  assert.deepEqual(gone, [restores[0], restores[1]]);
  assert.deepEqual(asked, ["gone", "replaced", "elsewhere"]);
  assert.deepEqual(
    restores.map((one) => pods.isGone(one)),
    [true, true, false, false, false],
  );
});

test("a pod that was deleted is remembered by its uid", () => {
  const { pods, change } = localPods();
  assert.equal(pods.isGone(restore("u1")), false);
  change({ type: "deleted", object: pod });
  assert.equal(pods.isGone(restore("u1")), true);
  assert.equal(pods.isGone(restore("u2")), false);
});
