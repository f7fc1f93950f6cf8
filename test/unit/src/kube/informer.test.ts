import assert from "node:assert/strict";
import { test } from "node:test";
import { Informer } from "../../../../src/kube/informer.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";
import type { TypedClient, WatchEvent, WatchOptions } from "../../../../src/kube/typed-client.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

interface Thing {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly resourceVersion: string };
  readonly isWanted?: boolean;
}
type Turn = (options: WatchOptions) => AsyncGenerator<WatchEvent<Thing>>;

const resource = {
  group: "",
  version: "v1",
  kind: "Thing",
  plural: "things",
  isNamespaced: true,
  objectType: undefined,
};
const thing = (name: string, resourceVersion: string, isWanted = true): Thing => ({
  metadata: { namespace: "ns", name, resourceVersion },
  isWanted,
});

/** Serves the lists and watches of a script, in order; after that the watch stays silent until the end. */
function informerOn(lists: (() => Thing[])[], watches: Turn[]) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const seen: string[] = [];
  const client = {
    list: async () => {
      asked.push("list");
      return { items: lists.shift()?.() ?? [], resourceVersion: `list${asked.length}` };
    },
    watch: async function* (_: unknown, options: WatchOptions) {
      asked.push(`watch ${options.resourceVersion}`);
      const turn = watches.shift();
      if (turn !== undefined) yield* turn(options);
      else await clock.sleep(3_600_000, options.signal);
    },
  };
  const informer = new Informer<Thing>({
    client: client as unknown as TypedClient,
    ...{ resource: resource as never, clock, log: silentLogger },
    filter: (object) => object.isWanted !== false,
    onSeen: (object) => seen.push(`${object.metadata.name} ${object.metadata.resourceVersion}`),
  });
  const changes: string[] = [];
  informer.onChange((change) => changes.push(`${change.type} ${change.object.metadata.name}`));
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { informer, changes, asked, seen, clock, end };
}

test("the first list is in the store when synced resolves, and watched changes follow", async () => {
  const { informer, changes, clock, end } = informerOn(
    [() => [thing("a", "1")]],
    [
      async function* ({ signal }) {
        yield { type: "ADDED", object: thing("b", "2") };
        yield { type: "MODIFIED", object: thing("a", "3") };
        yield { type: "DELETED", object: thing("b", "4") };
        await clock.sleep(10_000, signal);
      },
    ],
  );
  await informer.synced;
  await clock.advance(1);
  assert.deepEqual(changes, ["added a", "added b", "updated a", "deleted b"]);
  assert.equal(informer.get("ns", "a")?.metadata.resourceVersion, "3");
  await end();
});

test("a watch that the server ends is resumed where it stopped, also after a bookmark", async () => {
  const { asked, clock, end } = informerOn(
    [() => []],
    [
      async function* ({ signal }) {
        yield { type: "BOOKMARK", resourceVersion: "77" };
        await clock.sleep(10_000, signal);
      },
    ],
  );
  await clock.advance(20_000);
  assert.deepEqual(asked, ["list", "watch list1", "watch 77"]);
  await end();
});

test("a version that is too old leads to a new list, and what vanished meanwhile is reported", async () => {
  const { asked, changes, clock, end } = informerOn(
    [() => [thing("a", "1"), thing("b", "1")], () => [thing("b", "1")]],
    [
      // biome-ignore lint/correctness/useYield: this watch fails before its first event
      async function* () {
        throw new KubeError("gone", "too old");
      },
    ],
  );
  await clock.advance(5000);
  assert.deepEqual(asked, ["list", "watch list1", "list", "watch list3"]);
  assert.deepEqual(changes, ["added a", "added b", "deleted a"]);
  await end();
});

test("a server that is away is asked again with growing pauses", async () => {
  const down = () => {
    throw new KubeError("unavailable", "refused");
  };
  const { informer, asked, clock, end } = informerOn([down, down, down, () => [thing("a", "1")]], []);
  await clock.advance(200);
  assert.equal(asked.length, 1);
  await clock.advance(10_000);
  assert.equal(informer.isSynced, true);
  await end();
});

test("an object that the filter stops wanting is deleted from the store", async () => {
  const { informer, changes, clock, end } = informerOn(
    [() => [thing("a", "1"), thing("x", "1", false)]],
    [
      async function* ({ signal }) {
        yield { type: "MODIFIED", object: thing("a", "2", false) };
        await clock.sleep(10_000, signal);
      },
    ],
  );
  await clock.advance(1);
  assert.deepEqual(changes, ["added a", "deleted a"]);
  assert.deepEqual(informer.list(), []);
  await end();
});

test("whoever wants to see all objects is told of those that the filter keeps out, and not of the end of any", async () => {
  const { seen, clock, end } = informerOn(
    [() => [thing("a", "1"), thing("x", "1", false)]],
    [
      async function* ({ signal }) {
        yield { type: "MODIFIED", object: thing("x", "2", false) };
        yield { type: "DELETED", object: thing("x", "3", false) };
        await clock.sleep(10_000, signal);
      },
    ],
  );
  await clock.advance(1);
  assert.deepEqual(seen, ["a 1", "x 1", "x 2"]);
  await end();
});

test("synced rejects when the informer is stopped before its first list", async () => {
  const { informer, end } = informerOn(
    [
      () => {
        throw new KubeError("unavailable", "refused");
      },
    ],
    [],
  );
  const checked = assert.rejects(informer.synced, { code: "cancelled" });
  await end();
  await checked;
});
