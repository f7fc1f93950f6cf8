import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  parseSize,
} from "../../../../../src/cli/output/format-values.ts";

describe("formatBytes", () => {
  it("has no decimals below 1 KiB and three above", () => {
    const cases: [number, string][] = [
      [0, "0 B"],
      [1023, "1023 B"],
      [1024, "1.000 KiB"],
      [1536, "1.500 KiB"],
      [1024 ** 3, "1.000 GiB"],
      [1024 ** 6, "1024.000 PiB"],
    ];
    for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
  });
});

describe("formatDuration", () => {
  it("shows hours only when there are some", () => {
    assert.deepEqual([0, 59.9, 60, 3599, 3600, 36_061].map(formatDuration), [
      "0:00",
      "0:59",
      "1:00",
      "59:59",
      "1:00:00",
      "10:01:01",
    ]);
  });

  it("never shows a negative time", () => {
    assert.equal(formatDuration(-5), "0:00");
  });
});

describe("formatPercent, formatRate and formatCount", () => {
  it("keep shares within 0 and 100 and nouns in the right number", () => {
    assert.deepEqual([-1, 0, 0.123456, 2].map(formatPercent), ["0.00%", "0.00%", "12.35%", "100.00%"]);
    assert.equal(formatRate(2048.4), "2.000 KiB/s");
    assert.deepEqual(
      [formatCount(1, "file"), formatCount(2, "file"), formatCount(0, "entry", "entries")],
      ["1 file", "2 files", "0 entries"],
    );
  });
});

describe("parseSize", () => {
  it("takes binary units in any case, with or without B", () => {
    const cases: [string, number][] = [
      ["512", 512],
      ["16k", 16_384],
      ["5M", 5 * 1024 ** 2],
      ["1.5g", 1.5 * 1024 ** 3],
      ["2TiB", 2 * 1024 ** 4],
      [" 3 kb ", 3072],
    ];
    for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, text);
  });

  it("refuses what is no size", () => {
    for (const text of ["", "M", "-1", "1e3", "5 X", "1.2.3"]) assert.equal(parseSize(text), undefined, text);
  });
});
