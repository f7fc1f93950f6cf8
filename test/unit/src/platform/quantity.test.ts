import assert from "node:assert/strict";
import { test } from "node:test";
import { parseQuantity } from "../../../../src/platform/quantity.ts";

test("parseQuantity reads what Kubernetes writes", () => {
  const cases: Readonly<Record<string, number>> = {
    "0": 0,
    "1073741824": 2 ** 30,
    "10Gi": 10 * 2 ** 30,
    "1.5G": 1.5e9,
    ".5Ki": 512,
    "500m": 0.5,
    "1e3": 1000,
    "1E3": 1000,
    "2E": 2e18,
    "3Ei": 3 * 2 ** 60,
    "12e-1": 1.2,
    "+5k": 5000,
    "-1Ti": -(2 ** 40),
    "7.": 7,
    "100u": 1e-4,
  };
  for (const [text, number] of Object.entries(cases)) assert.equal(parseQuantity(text), number, text);
});

test("parseQuantity refuses everything else", () => {
  for (const text of ["", " 1", "1 Gi", "Gi", "1gi", "1GiB", "1K", "e3", "1e", "1e3Gi", "0x10", "1,5", "Infinity"])
    assert.equal(parseQuantity(text), undefined, JSON.stringify(text));
});
