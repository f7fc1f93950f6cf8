import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  prepareMarkers,
  removeMarkers,
  writeDoneMarker,
  writeFailedMarker,
  writeProgressMarker,
} from "../../../../agent/data-path/done-marker.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

function volumeOf(t: TestContext) {
  const folder = temporaryDirectory(t);
  const volume = join(folder, "volume");
  const outside = join(folder, "outside");
  mkdirSync(volume);
  mkdirSync(outside);
  writeFileSync(join(outside, "precious"), "x");
  return { volume, outside };
}

test("the done marker is an empty file of mode 0644 in a directory of mode 0755, whatever the umask", (t) => {
  const { volume } = volumeOf(t);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  writeDoneMarker(volume, "uid");
  assert.equal(lstatSync(join(volume, ".velero")).mode & 0o777, 0o755);
  const marker = lstatSync(join(volume, ".velero", "uid"));
  assert.equal(marker.mode & 0o777, 0o644);
  assert.equal(marker.size, 0);
});

test("a link named .velero is replaced, and nothing behind it is touched", (t) => {
  const { volume, outside } = volumeOf(t);
  symlinkSync(outside, join(volume, ".velero"));
  writeDoneMarker(volume, "uid");
  assert.ok(lstatSync(join(volume, ".velero")).isDirectory());
  assert.deepEqual(readdirSync(outside), ["precious"]);
});

test("an old .velero is removed with all that is in it, and links in it are not followed", (t) => {
  const { volume, outside } = volumeOf(t);
  mkdirSync(join(volume, ".velero", "deep", "er"), { recursive: true });
  writeFileSync(join(volume, ".velero", "deep", "file"), "x");
  symlinkSync(outside, join(volume, ".velero", "deep", "link"));
  writeDoneMarker(volume, "uid");
  assert.deepEqual(readdirSync(join(volume, ".velero")), ["uid"]);
  assert.deepEqual(readdirSync(outside), ["precious"]);
});

test("a volume that is itself a link is refused", (t) => {
  const { volume, outside } = volumeOf(t);
  symlinkSync(outside, `${volume}-link`);
  assert.throws(() => writeDoneMarker(`${volume}-link`, "uid"), /ENOTDIR|ELOOP/);
  assert.deepEqual(readdirSync(outside), ["precious"]);
});

test("a volume that is gone, and a marker that cannot be written, are errors", (t) => {
  const { volume } = volumeOf(t);
  assert.throws(() => writeDoneMarker(`${volume}-gone`, "uid"), /ENOENT/);
  // Whatever a file system refuses: a name that is longer than it takes.
  assert.throws(() => writeDoneMarker(volume, "x".repeat(300)), /ENAMETOOLONG/);
});

test("progress is replaced as a whole, and cannot fail", (t) => {
  const { volume } = volumeOf(t);
  writeProgressMarker(volume, "uid", { bytesDone: 1, totalBytes: 2 });
  assert.equal(existsSync(join(volume, ".velero")), false);
  prepareMarkers(volume);
  for (const bytesDone of [1, 2]) writeProgressMarker(volume, "uid", { bytesDone, totalBytes: 2 });
  assert.deepEqual(readdirSync(join(volume, ".velero")), ["uid.progress"]);
  assert.equal(readFileSync(join(volume, ".velero", "uid.progress"), "utf8"), '{"bytesDone":2,"totalBytes":2}');
});

test("a failure replaces the progress by the reason", (t) => {
  const { volume } = volumeOf(t);
  prepareMarkers(volume);
  writeProgressMarker(volume, "uid", { bytesDone: 1, totalBytes: 2 });
  writeFailedMarker(volume, "uid", "pack gone");
  assert.deepEqual(readdirSync(join(volume, ".velero")), ["uid.failed"]);
  assert.equal(readFileSync(join(volume, ".velero", "uid.failed"), "utf8"), "pack gone\n");
});

test("removing takes .velero away only when it is this restore's", (t) => {
  const { volume, outside } = volumeOf(t);
  assert.equal(removeMarkers(volume, "uid"), false);
  writeDoneMarker(volume, "uid");
  assert.equal(removeMarkers(volume, "another"), false);
  assert.ok(existsSync(join(volume, ".velero", "uid")));
  assert.equal(removeMarkers(volume, "uid"), true);
  assert.deepEqual(readdirSync(volume), []);
  symlinkSync(outside, join(volume, ".velero"));
  writeFileSync(join(outside, "uid"), "");
  assert.equal(removeMarkers(volume, "uid"), false);
  assert.deepEqual(readdirSync(outside).sort(), ["precious", "uid"]);
});
