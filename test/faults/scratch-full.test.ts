// A scratch folder that fills up while a Backup's tarball is written, or unpacked for a restore: one clear error, nothing left,
// nothing that hangs, and no error event that nobody hears: such a one would end the server, and ends this file.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { Readable } from "node:stream";
import { test } from "node:test";
import { openTarball } from "../../src/server/tarball/tarball-reader.ts";
import { createTarball } from "../../src/server/tarball/tarball-writer.ts";
import { smallDisk } from "../support/small-disk.ts";
import { makeTarball } from "../support/tarballs.ts";

const configMaps = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", isNamespaced: true };
const full = { code: "scratch-unusable", message: /ENOSPC/ };

function configMap(name: string, bytes: number) {
  const data = { noise: randomBytes(bytes).toString("base64") };
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "shop", name }, data };
}

test("a tarball that does not fit fails where it is added to, and so does everything after that", async (t) => {
  const disk = smallDisk(t, 1);
  if (disk === undefined) return;
  const tarball = await createTarball(disk.path);
  const addAll = async (): Promise<void> => {
    for (let index = 0; index < 30; index++) await tarball.add(configMaps, configMap(`n${index}`, 100_000));
  };
  await assert.rejects(addAll(), full);
  await assert.rejects(tarball.add(configMaps, configMap("late", 10)), full);
  await assert.rejects(tarball.finish(), full);
  await tarball.discard();
  assert.deepEqual(readdirSync(disk.path), []);
});

test("a tarball whose last bytes do not fit fails when it is finished", async (t) => {
  const disk = smallDisk(t, 1);
  if (disk === undefined) return;
  const tarball = await createTarball(disk.path);
  disk.fill(0);
  await tarball.add(configMaps, configMap("small", 10));
  await assert.rejects(tarball.finish(), full);
  await tarball.discard();
});

test("a tarball that unpacks to more than there is room for is refused, and the room is free again", async (t) => {
  const disk = smallDisk(t, 1);
  if (disk === undefined) return;
  const entries = Array.from({ length: 30 }, (_, index) => ({
    name: `resources/configmaps/namespaces/shop/n${index}.json`,
    content: JSON.stringify(configMap(`n${index}`, 100_000)),
  }));
  const bytes = await makeTarball(entries);
  const source = Readable.from([bytes]);
  const signal = AbortSignal.timeout(20_000);
  await assert.rejects(openTarball({ source, scratchDirectory: disk.path, signal }), full);
  const few = { source: Readable.from([await makeTarball(entries.slice(0, 2))]), signal };
  const contents = await openTarball({ ...few, scratchDirectory: disk.path });
  assert.equal(contents.count, 2);
  await contents.close();
});
