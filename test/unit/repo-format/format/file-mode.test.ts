import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chmodBits,
  fileModeFromStat,
  isDirectoryMode,
  isRegularMode,
  statModeFromFileMode,
} from "../../../../repo-format/format/file-mode.ts";

/** st_mode → what restic 0.19 stored for it. */
const golden: readonly (readonly [number, number])[] = [
  [0o100644, 420],
  [0o040755, 2_147_484_141],
  [0o040700, 2_147_484_096],
  [0o041777, 2_148_532_735],
  [0o120777, 134_218_239],
  [0o060644, 67_109_284],
  [0o020644, 69_206_436],
  [0o010644, 33_554_852],
  [0o100000, 0],
  [0o140600, 16_777_600],
  [0o106755, 12_583_405],
];

test("modes convert between lstat and restic's trees as restic does it", () => {
  for (const [statMode, mode] of golden) {
    assert.equal(fileModeFromStat(statMode), mode, statMode.toString(8));
    assert.equal(statModeFromFileMode(mode), statMode, String(mode));
  }
});

test("every st_mode of a known type survives both ways", () => {
  for (const type of [0o100000, 0o040000, 0o120000, 0o060000, 0o020000, 0o010000, 0o140000]) {
    for (let bits = 0; bits <= 0o7777; bits++) {
      assert.equal(statModeFromFileMode(fileModeFromStat(type | bits)), type | bits);
      assert.equal(chmodBits(fileModeFromStat(type | bits)), bits);
    }
  }
});

test("a type that Linux does not have is irregular", () => {
  assert.equal(fileModeFromStat(0o170644), 0x0008_0000 + 0o644);
  assert.equal(isRegularMode(fileModeFromStat(0o170644)), false);
});

test("isRegularMode and isDirectoryMode look at the type alone", () => {
  assert.equal(isRegularMode(fileModeFromStat(0o107777)), true);
  assert.equal(isRegularMode(fileModeFromStat(0o040000)), false);
  assert.equal(isDirectoryMode(fileModeFromStat(0o040000)), true);
  assert.equal(isDirectoryMode(fileModeFromStat(0o120777)), false);
});
